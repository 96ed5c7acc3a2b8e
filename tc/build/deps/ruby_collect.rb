# Run by bundler's settings after it has installed: puts gems that come from git or a path, which
# bundler uses where they are, beside the others, so that Ruby finds them without bundler.
#
# Argument: the directory that bundler installed into.

require 'bundler'
require 'fileutils'

to = File.join(ARGV.fetch(0), 'ruby', RbConfig::CONFIG['ruby_version'])
Bundler.definition.requested_specs.each do |spec|
  next unless spec.source.is_a?(Bundler::Source::Path)

  place = File.join(to, 'gems', spec.full_name)
  FileUtils.mkdir_p(place)
  (Dir.children(spec.full_gem_path) - %w[.git .bundle vendor]).sort.each do |name|
    FileUtils.cp_r(File.join(spec.full_gem_path, name), place)
  end
  FileUtils.mkdir_p(File.join(to, 'specifications'))
  File.write(File.join(to, 'specifications', "#{spec.full_name}.gemspec"), spec.to_ruby)
end
