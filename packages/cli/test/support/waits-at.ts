// Holds a command in the middle of its work, so that a test can end it there on every machine.

/**
 * A module to preload into `fanfare backup` or `fanfare restore`: the process that copies or checks the database never gets this task, so
 * the command waits for it until it is ended.
 */
export const waitsAt = (task: "copy" | "check") =>
	`data:text/javascript,${encodeURIComponent(`
	import childProcess from "node:child_process";
	import { syncBuiltinESMExports } from "node:module";
	const { fork } = childProcess;
	childProcess.fork = (...args) => {
		const child = fork(...args);
		const send = child.send.bind(child);
		child.send = (message, ...more) => message.kind === "${task}" || send(message, ...more);
		return child;
	};
	syncBuiltinESMExports();
`)}`;
