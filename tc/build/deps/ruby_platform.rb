# Loaded before bundler: it chooses gems for the platform that TC_GEM_PLATFORM names.

require 'rubygems'

Gem::Platform.instance_variable_set(:@local, Gem::Platform.new(ENV.fetch('TC_GEM_PLATFORM')))
Gem.platforms = [Gem::Platform::RUBY, Gem::Platform.local]
