#!/usr/bin/env node
// The `fanfare` command. Checks the Node first: an older one would fail at an import, with words that help nobody.

const OLDEST_NODE = 24;

const major = Number.parseInt(process.versions.node, 10);
if (major < OLDEST_NODE) {
	process.stderr.write(
		`fanfare needs Node ${OLDEST_NODE} or newer, this is ${process.versions.node}: https://nodejs.org\n`,
	);
	process.exitCode = 1;
} else {
	const { runProgram } = await import("./program.ts");
	await runProgram();
}
