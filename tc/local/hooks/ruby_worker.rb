# The process of a Ruby function: speaks the same lines of JSON over the channel as
# python_worker.py and reports errors as Lambda's Ruby runtime does.
#
# Arguments: the descriptor of the channel. A handler is `file.method` for a top-level method,
# or `file.Module::Class.method`; it is called with the keywords event: and context:.

require 'json'
require 'socket'

MARK = "\0tc:end:"
NEWLINE = "\x1e"

class Context
  attr_reader :aws_request_id, :invoked_function_arn, :function_name, :function_version,
              :memory_limit_in_mb, :log_group_name, :log_stream_name, :deadline_ms,
              :identity, :client_context

  def initialize(call)
    @aws_request_id = call['request_id']
    @invoked_function_arn = call['arn']
    @deadline_ms = (call['deadline'] * 1000).to_i
    @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
    @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
    @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
    @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
    @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
  end

  def get_remaining_time_in_millis
    [@deadline_ms - (Time.now.to_f * 1000).to_i, 0].max
  end
end

def report(error, phase, task)
  kind = "#{phase}<#{error.class}>"
  trace = (error.backtrace || []).reject { |line| line.start_with?(__FILE__) }
  trace = trace.map { |line| line.sub(task, '/var/task') }
  # error.message of a NameError can name our own file, and did_you_mean adds lines to it.
  message = error.respond_to?(:original_message) ? error.original_message : error.message
  found = { 'errorMessage' => message.to_s, 'errorType' => kind, 'stackTrace' => trace }
  puts "Error raised from handler method #{NEWLINE}#{JSON.generate(found)}"
  found
end

def mark(request_id)
  $stdout.flush
  $stderr.flush
  STDERR.syswrite("#{MARK}#{request_id}\n")
end

def answer(wire, message, request_id = '')
  mark(request_id)
  wire.write("#{JSON.generate(message)}\n")
  wire.flush
end

def load_handler(written, task)
  file, target, method = written.split('.', 3)
  raise ArgumentError, "Invalid handler #{written}, must be of form FILENAME.METHOD" if target.nil?

  target, method = nil, target if method.nil?
  $LOAD_PATH.unshift(task)
  require File.join(task, file)
  owner = target ? Object.const_get(target) : self
  raise NameError, "undefined method '#{method}'" unless owner.respond_to?(method, true)

  owner.method(method)
end

wire = UNIXSocket.for_fd(ARGV.shift.to_i)
wire.close_on_exec = true
$stdout.sync = true
$stderr.sync = true
$PROGRAM_NAME = 'handler'
start = JSON.parse(wire.gets)
begin
  handler = load_handler(start['handler'], start['task'])
rescue ScriptError, StandardError => e
  answer(wire, 'error' => report(e, 'Init', start['task']).merge('init' => true))
  exit!(0)
end
answer(wire, 'result' => nil)

given = []
while (line = wire.gets)
  call = JSON.parse(line)
  (given - call['env'].keys).each { |name| ENV.delete(name) }
  call['env'].each { |name, value| ENV[name] = value }
  given = call['env'].keys
  begin
    result = handler.call(event: call['event'], context: Context.new(call))
    # Encoded here: an object that can't be is the handler's error.
    found = { 'result' => JSON.parse(JSON.generate([result])).first }
  rescue NoMemoryError, ScriptError, StandardError => e
    found = { 'error' => report(e, 'Function', start['task']) }
  end
  answer(wire, found, call['request_id'])
end
