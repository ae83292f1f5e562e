// The validator's thread: with its own heap and its own event loop, so that no schema can block the server.
import { parentPort, workerData } from "node:worker_threads";

import type { Issue } from "../../core/errors.ts";
import { compileSchema, warmUp, type Check } from "./compile-schema.ts";
import type { Batch, CheckRequest, CheckResult, ThreadData, ThreadMessage } from "./messages.ts";

/** After this, a batch is answered with the results so far, so that other checks need not wait for the rest. */
const LONG_BATCH_MS = 20;
const US_PER_MS = 1_000;

const finished = new Int32Array((workerData as ThreadData).finished);
const texts = new Map<number, string>();
const compiled = new Map<number, Check | readonly Issue[]>();

function run({ schemas, drop, checks }: Batch): void {
	for (const id of drop) {
		texts.delete(id);
		compiled.delete(id);
	}
	for (const { id, schemaJson } of schemas) texts.set(id, schemaJson);
	const results: CheckResult[] = [];
	const startedAtMs = cpuMs();
	let beforeMs = startedAtMs;
	for (const request of checks) {
		const issues = check(request);
		Atomics.add(finished, 0, 1);
		const nowMs = cpuMs();
		results.push({ issues, cpuMs: nowMs - beforeMs });
		beforeMs = nowMs;
		// The rest comes again in a later batch, after checks that have arrived meanwhile.
		if (nowMs - startedAtMs > LONG_BATCH_MS) break;
	}
	send(results);
}

/** CPU time says what a schema costs, however busy the machine is. */
function cpuMs(): number {
	const { user, system } = process.threadCpuUsage();
	return (user + system) / US_PER_MS;
}

function check({ schemaId, dataJson }: CheckRequest): readonly Issue[] {
	const schema = compiledSchema(schemaId);
	if (dataJson === null) return typeof schema === "function" ? [] : schema;
	if (typeof schema !== "function")
		return [{ path: "", message: "can't be checked: the schema of its type is not valid" }];
	try {
		return schema(JSON.parse(dataJson));
	} catch (error) {
		if (error instanceof RangeError) return [{ path: "", message: "is nested too deeply to be checked" }];
		throw error;
	}
}

function compiledSchema(id: number): Check | readonly Issue[] {
	const known = compiled.get(id);
	if (known !== undefined) return known;
	const schema = compileSchema(texts.get(id) ?? "null");
	compiled.set(id, schema);
	return schema;
}

function send(message: ThreadMessage): void {
	// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
	parentPort?.postMessage(message);
}

warmUp();
parentPort?.on("message", run);
send("ready");
