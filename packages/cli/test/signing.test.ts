// `fanfare sign` and `fanfare verify`, which need no server.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

import { verifySignature } from "@fanfare/sdk";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, expect, it } from "vitest";

import { parseSecret, type Secret } from "../src/commands/signing/signature.ts";
import { runInProcess } from "./support/in-process.ts";

const dir = new TemporaryDir();
afterAll(() => dir[Symbol.dispose]());

const secretOf = (byte: number) => parseSecret(`whsec_${Buffer.alloc(32, byte).toString("base64")}`) as Secret;
const [SECRET, OTHER] = [secretOf(1), secretOf(2)];
const JSON_BODY = '{"type":"order.paid","data":{"name":"é","n":1}}';
const file = (name: string, contents: string | Uint8Array) => {
	writeFileSync(dir.join(name), contents, { mode: 0o600 });
	return dir.join(name);
};
const run = (...args: string[]) => runInProcess(args, { cwd: dir.join(".") });

it("signs any bytes for the SDK and for verify, with two secrets too", async () => {
	const secrets = file("secrets", `${SECRET.text}\n${OTHER.text}\n`);
	const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
	const bodies = [everyByte, Buffer.alloc(0), Buffer.alloc(262_144, "x"), Buffer.from(JSON_BODY)];
	for (const body of bodies) {
		const { code, stdout, stderr } = await run("sign", file("body", body), "--secret-file", secrets);
		expect([code, stderr]).toEqual([0, ""]);
		const lines = stdout.trimEnd().split("\n");
		const headers = Object.fromEntries(lines.map((line) => line.split(": ") as [string, string]));
		expect(Object.keys(headers)).toEqual(["webhook-id", "webhook-timestamp", "webhook-signature"]);
		await verifySignature(body, headers, OTHER.text);
		const head = Buffer.from(`POST / HTTP/1.1\r\n${stdout.replaceAll("\n", "\r\n")}\r\n`);
		const request = file("request", Buffer.concat([head, body]));
		const checked = await run("verify", request, "--secret-file", file("secret", SECRET.text), "--json");
		const { valid, problems } = JSON.parse(checked.stdout) as { valid: boolean; problems: readonly { code: string }[] };
		const isObject = body === bodies.at(-1);
		expect([valid, problems.map(({ code }) => code), checked.code]).toEqual(
			isObject ? [true, [], 0] : [false, ["invalid_body"], 1],
		);
	}
});

it("says in plain words what is wrong, with exit code 1, and prints no secret", async () => {
	const secret = file("secret", SECRET.text);
	const { stdout: headers } = await run("sign", file("body.json", JSON_BODY), "--secret-file", secret, "--at", "1h");
	const files = [file("headers", headers), "--body", file("received.json", `${JSON_BODY}\n`)];
	const wrong = await run("verify", ...files, "--secret-file", secret);
	expect([wrong.code, wrong.stderr]).toEqual([1, ""]);
	expect(wrong.stdout).toMatch(/✗ The request was signed \d+ s ago[^]*✗ The body is not as it was sent: a line feed/);
	const right = await run("verify", ...files.slice(0, 2), dir.join("body.json"), "--secret-file", secret, "--at", "1h");
	expect([right.code, right.stdout]).toEqual([0, expect.stringMatching(/^✓ The signature fits the secret whsec_…/)]);
	const refused = await run("sign", dir.join("body.json"), "--secret-file", file("bad", "whsec_short-secret-text"));
	expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("Line 1 has 23 characters")]);
	expect(refused.stderr).not.toContain("short-secret");
	expect((await run("sign", "body.json")).stderr).toContain("The option --secret-file is missing");
	expect((await run("verify", file("none", "no request"), "--secret-file", secret)).code).toBe(2);
});

it("prints a curl command in which nothing of the shell means anything", async () => {
	const body = file("it's $(a) body", "{}");
	const secret = file("secret", SECRET.text);
	const { stdout } = await run("sign", body, "--secret-file", secret, "--curl", "http://localhost/'$x");
	const words = execFileSync("sh", ["-c", `curl() { printf '%s\\n' "$@"; }; ${stdout}`], { encoding: "utf8" });
	expect(words.trimEnd().split("\n").slice(-3)).toEqual(["--data-binary", `@${body}`, "http://localhost/'$x"]);
});

it("refuses the request of another event than the one of --expect-id", async () => {
	const secret = file("secret", SECRET.text);
	const { stdout: headers } = await run("sign", file("body.json", JSON_BODY), "--secret-file", secret, "--id", "evt_1");
	const args = ["verify", file("headers", headers), "--body", dir.join("body.json"), "--secret-file", secret];
	expect((await run(...args, "--expect-id", "evt_1")).code).toBe(0);
	const other = await run(...args, "--expect-id", "evt_2");
	expect([other.code, other.stdout]).toEqual([1, expect.stringContaining('and not "evt_2": it is another event.')]);
});
