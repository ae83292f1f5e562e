// Loaded into the server's process before the server, in each of its threads. While the file HOLD_UPGRADE exists, the move of rows of
// version 0.1 waits after each of its steps.
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

/** The store's thread has an empty environment. */
const NAME = "HOLD_UPGRADE";
const LOOK_EVERY_MS = 10;

if (isMainThread) setEnvironmentData(NAME, process.env[NAME]);
const file = getEnvironmentData(NAME);
if (typeof file === "string") {
	// oxlint-disable-next-line typescript/unbound-method -- called with the database that it was called on
	const { prepare } = DatabaseSync.prototype;
	let isMoving = false;
	DatabaseSync.prototype.prepare = function (sql, ...rest) {
		const statement = prepare.call(this, sql, ...rest);
		if (sql.includes("FROM former_events")) isMoving = true;
		if (sql !== "COMMIT") return statement;
		const run = statement.run.bind(statement);
		statement.run = () => {
			const result = run();
			if (isMoving) while (existsSync(file)) wait(LOOK_EVERY_MS);
			return result;
		};
		return statement;
	};
}

function wait(ms: number): void {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
