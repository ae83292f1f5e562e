// The receivers in other languages, each with a real server: they verify what Fanfare sends, and refuse everything else. By default the
// first language that is there, the quickest; FANFARE_RECEIVERS=all takes all of them, FANFARE_RECEIVERS=go,rust some.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";

import { eventually } from "@fanfare/testkit/eventually";
import { freePort, startServerProcess } from "@fanfare/testkit/server-process";
import { describe, expect, it } from "vitest";

import { LANGUAGES, missingProgram, type Program } from "./languages.ts";

interface Vector {
	readonly name: string;
	readonly secrets: readonly string[];
	readonly id: string;
	readonly timestamp: number;
	readonly body: string;
}

const vectors = JSON.parse(
	readFileSync(new URL("../../vectors/signing.json", import.meta.url), "utf8"),
) as readonly Vector[];

/** A receiver that runs. */
interface Receiver extends AsyncDisposable {
	readonly url: string;
	output(): string;
}

async function start(program: Program, secret: string): Promise<Receiver> {
	const port = String(await freePort());
	const env = { ...process.env, WEBHOOK_SECRET: secret, PORT: port };
	const child = spawn(program.command, program.args, { env, stdio: ["ignore", "pipe", "pipe"] });
	const exited = once(child, "exit");
	let output = "";
	for (const stream of [child.stdout, child.stderr])
		stream.setEncoding("utf8").on("data", (text: string) => (output += text));
	const url = `http://127.0.0.1:${port}/hooks`;
	await eventually("the receiver to listen", async () => {
		if (child.exitCode !== null) throw new Error(`the receiver has ended: ${output}`);
		return (await fetch(url, { method: "GET" }).catch(() => null)) !== null;
	});
	const stop = async () => {
		child.kill("SIGKILL");
		await exited;
	};
	return { url, output: () => output, [Symbol.asyncDispose]: stop };
}

function signature(secret: string, id: string, seconds: number, body: string): string {
	const key = Buffer.from(secret.replace("whsec_", ""), "base64");
	return `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
}

/** Sends a request, and returns the status of the response. */
async function post(url: string, body: string, id: string, seconds: number, signatures: string): Promise<number> {
	const headers = { "webhook-id": id, "webhook-timestamp": String(seconds), "webhook-signature": signatures };
	const response = await fetch(url, {
		method: "POST",
		body,
		headers: { "content-type": "application/json", ...headers },
	});
	await response.arrayBuffer();
	return response.status;
}

const missing = new Map(Object.entries(LANGUAGES).map(([name, language]) => [name, missingProgram(language)]));
const { FANFARE_RECEIVERS = [...missing].find(([, problem]) => problem === null)?.[0] ?? "go" } = process.env;
const chosen = FANFARE_RECEIVERS === "all" ? Object.keys(LANGUAGES) : FANFARE_RECEIVERS.split(",");

describe.each(chosen)("the receiver in %s", (name) => {
	const problem = missing.get(name) ?? (name in LANGUAGES ? null : "there is no such receiver");
	// Also with CI=true: no script of ours can install a language.
	if (problem !== null) process.stderr.write(`skipped: the receiver in ${name}: ${problem}\n`);

	it.skipIf(problem !== null)(
		"verifies what Fanfare sends, and the vectors, and refuses everything else",
		async ({ skip }) => {
			let program: Program;
			try {
				program = await LANGUAGES[name]!.prepare();
			} catch (error) {
				const reason = `the receiver in ${name} can't be built: ${String(error)}`;
				process.stderr.write(`skipped: ${reason}\n`);
				return skip(reason);
			}

			// A real server.
			await using server = await startServerProcess();
			const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
			await using receiver = await start(program, secret);
			await server.createWebhook(receiver.url, { secret, retries: { maxRetries: 0 } });
			const data = { text: "Grüße, 世界 🎺", n: 1.5 };
			const event = await server.project.events.send({ type: "note.added", data });
			const delivery = await server.waitForDelivery(event.id, ({ status }) => status !== "Pending");
			expect({ status: delivery.status, reason: delivery.reason }).toEqual({ status: "Succeeded", reason: null });
			await eventually("the receiver's line", () => receiver.output().includes(event.id));

			// Requests that must be refused, and one that must not be.
			const seconds = Math.floor(Date.now() / 1_000);
			const body = '{"type":"a.b","timestamp":"2026-11-24T13:24:00.000Z","data":1}';
			const good = signature(secret, "evt_1", seconds, body);
			const other = signature(`whsec_${Buffer.alloc(32, 7).toString("base64")}`, "evt_1", seconds, body);
			const statuses = [
				await post(receiver.url, body, "evt_1", seconds, good),
				await post(receiver.url, body, "evt_1", seconds, `${other} ${good}`),
				await post(receiver.url, `${body} `, "evt_1", seconds, good),
				await post(receiver.url, body, "evt_2", seconds, good),
				await post(receiver.url, body, "evt_1", seconds, other),
				await post(receiver.url, body, "evt_1", seconds - 3_600, signature(secret, "evt_1", seconds - 3_600, body)),
			];
			expect(statuses).toEqual([204, 204, 400, 400, 400, 400]);

			// The vectors, signed now: their times are long past.
			for (const vector of vectors) {
				for (const key of vector.secrets) {
					await using one = await start(program, key);
					const now = Math.floor(Date.now() / 1_000);
					const signed = vector.secrets.map((each) => signature(each, vector.id, now, vector.body)).join(" ");
					// Some vectors are no events: a receiver that reads the type fails after it has verified them.
					const isEvent = vector.body.startsWith('{"type":');
					const status = await post(one.url, vector.body, vector.id, now, signed);
					expect({ vector: vector.name, accepted: isEvent ? status === 204 : status !== 400 }).toEqual({
						vector: vector.name,
						accepted: true,
					});
					expect(await post(one.url, vector.body, `${vector.id}x`, now, signed)).toBe(400);
				}
			}
		},
	);
});

it("are a dozen lines each, without imports, comments and braces", () => {
	const files = { go: "receiver.go", python: "receiver.py", java: "Receiver.java", rust: "src/main.rs" };
	for (const [language, file] of Object.entries(files)) {
		const text = readFileSync(new URL(`${language}/${file}`, import.meta.url), "utf8");
		const lines = text
			.split("\n")
			.filter((line) => !/^\s*(\/\/|#|import|from|use|package|[(){};,\]]*$|\)|")/.test(line));
		expect({ language, lines: lines.length }).toEqual({
			language,
			lines: expect.toSatisfy((n: number) => n <= 20) as number,
		});
	}
});
