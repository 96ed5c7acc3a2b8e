module Voice
  def self.loud(text) = text.upcase
end
