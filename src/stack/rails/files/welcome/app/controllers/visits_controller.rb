class VisitsController < ApplicationController
  def show
    visit = Visit.first_or_create!
    visit.increment!(:count)
    render html: <<~HTML.html_safe
      <!doctype html>
      <title>It works</title>
      <link rel="stylesheet" href="/style.css">
      <h1>It works</h1>
      <p>Rails #{Rails.version} on Ruby #{RUBY_VERSION}, visit #{visit.count}.</p>
    HTML
  end
end
