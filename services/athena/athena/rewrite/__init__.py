"""What a conversation looks like when it is sent: decided once per block, replayed for ever."""
