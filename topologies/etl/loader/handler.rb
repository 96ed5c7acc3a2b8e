def handler(event:, context:)
  { "loaded" => event["data"] }
end
