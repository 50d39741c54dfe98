# What Puma is told of where it runs, over what the app's own configuration says.
own = "config/puma.rb"
instance_eval(File.read(own), own, 1) if File.exist?(own)

clear_binds!
bind ENV.fetch("SUBAKO_BIND")
environment "production"

# Puma 6.6 hangs at its end when the message to stop and the closing of the pipe that it comes by meet (https://github.com/puma/puma/issues/3677):
# whoever closes waits for the one who writes to hear of it, and inside a signal's handler nobody hears. A thread of its own does.
require "puma/server"
Puma::Server.class_eval do
  private

  def notify_safely(message)
    pipe = @notify
    Thread.new do
      pipe&.syswrite(message)
    rescue IOError, Errno::EPIPE, Errno::EBADF
      nil # it is stopping already
    end
  end
end
