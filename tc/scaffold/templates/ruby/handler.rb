def handler(event:, context:)
  { "message" => "hello, #{event.fetch('name', 'nobody')}" }
end
