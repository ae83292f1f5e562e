// Loaded into the server's process before the server: ends it when the benchmark's process has ended for any reason.
process.on("disconnect", () => process.exit());
