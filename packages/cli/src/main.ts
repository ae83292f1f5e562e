#!/usr/bin/env node
// The `fanfare` command. Checks the version of Node first: older ones would fail with a confusing error at an import.

const OLDEST_NODE = 24;

const major = Number.parseInt(process.versions.node, 10);
if (major < OLDEST_NODE) {
	process.stderr.write(
		`fanfare requires Node ${OLDEST_NODE} or newer, but runs on ${process.versions.node}: install a newer one from https://nodejs.org\n`,
	);
	process.exitCode = 1;
} else {
	if (process.argv[2] === "serve") {
		const { limitArenas } = await import("./commands/operate/arenas.ts");
		limitArenas();
	}
	const { runProgram } = await import("./program.ts");
	await runProgram(process.argv.slice(2));
}
