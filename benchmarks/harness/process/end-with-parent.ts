// Loaded into the server's process before it starts: ends it when the benchmark is gone, however that went.
process.on("disconnect", () => process.exit());
