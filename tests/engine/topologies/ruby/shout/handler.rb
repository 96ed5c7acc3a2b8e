require 'json'
require_relative 'lib/voice'

def handler(event:, context:)
  { shouted: Voice.loud(JSON.parse(event['body'])['say']) }
end
