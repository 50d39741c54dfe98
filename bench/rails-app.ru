# A whole Rails app in one file, with the page that the others have.
ENV["RAILS_ENV"] = "production"

require "rails"
require "action_controller/railtie"

PAGE = File.read("/srv/app/index.html").freeze

class BenchApp < Rails::Application
  config.eager_load = true
  config.load_defaults 7.2
  config.secret_key_base = "0" * 64
  config.logger = Logger.new(IO::NULL)
  config.hosts.clear
  routes.append { root to: "pages#show" }
end

class PagesController < ActionController::Base
  def show
    render html: PAGE.html_safe, layout: false
  end
end

BenchApp.initialize!
run BenchApp
