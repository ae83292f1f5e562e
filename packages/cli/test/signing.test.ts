// `fanfare sign` and `fanfare verify`, which need no server.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

import { verifySignature } from "@fanfare/sdk";
import { runFanfare } from "@fanfare/testkit/fanfare-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, expect, it } from "vitest";

import { diagnose } from "../src/commands/signing/diagnosis.ts";
import { parseSecret, signedHeaders, type Secret } from "../src/commands/signing/signature.ts";

const dir = new TemporaryDir();
afterAll(() => dir[Symbol.dispose]());

const secretOf = (byte: number) => parseSecret(`whsec_${Buffer.alloc(32, byte).toString("base64")}`) as Secret;
const [SECRET, OTHER] = [secretOf(1), secretOf(2)];
const NOW = 1_800_000_000_000;
const file = (name: string, contents: string | Uint8Array) => {
	writeFileSync(dir.join(name), contents, { mode: 0o600 });
	return dir.join(name);
};
const run = (...args: string[]) => runFanfare(args, { cwd: dir.join(".") });

/** The codes of what is wrong with a body that was signed, and the first message. */
function problems(
	signed: string | Uint8Array,
	received: string | Uint8Array = signed,
	change: (headers: Map<string, readonly string[]>) => void = () => {},
	{ now = NOW, secrets = [SECRET], expectedId = "evt_1" } = {},
) {
	const headers = new Map(
		signedHeaders([SECRET], "evt_1", NOW / 1_000, Buffer.from(signed as string)).map(([name, value]) => [
			name,
			[value],
		]),
	);
	change(headers);
	const options = { now, toleranceMs: 300_000, expectedId };
	const { problems, secretHint } = diagnose({ headers, body: Buffer.from(received as string) }, secrets, options);
	return [...problems.map(({ code, message }) => `${code}: ${message}`), ...(secretHint === null ? [] : ["fits"])];
}

const JSON_BODY = '{"type":"order.paid","data":{"name":"é","n":1}}';

it("finds nothing wrong with a request as it was sent, with one of several secrets", () => {
	expect(problems(JSON_BODY)).toEqual(["fits"]);
	expect(problems(JSON_BODY, JSON_BODY, undefined, { secrets: [OTHER, SECRET] })).toEqual(["fits"]);
});

it.each([
	["a line feed was added", JSON_BODY, `${JSON_BODY}\n`, /a line feed was added at its end/],
	["a line feed was lost", `${JSON_BODY}\n`, JSON_BODY, /line feed at its end is missing/],
	["it was parsed and indented", JSON_BODY, JSON.stringify(JSON.parse(JSON_BODY), null, 4), /parsed and written again/],
	["it was parsed and written as Python does", '{"a": [1, {"b": "c"}]}', '{"a":[1,{"b":"c"}]}', /parsed and written/],
	["escapes were resolved", String.raw`{"a":"\u00e9"}`, '{"a":"é"}', /parsed and written again/],
	["CRLF was made", "{\n}", "{\r\n}", /made CRLF/],
	["a byte order mark was added", JSON_BODY, `\uFEFF${JSON_BODY}`, /byte order mark/],
	["its encoding was mixed up", JSON_BODY, Buffer.from(JSON_BODY, "utf8").toString("latin1"), /Latin-1/],
	["it was put into a string", JSON_BODY, JSON.stringify(JSON_BODY), /put into a JSON string/],
])("says of a body that %s", (_, signed, received, message) => {
	const [problem, ...others] = problems(signed, received);
	expect([problem, others]).toEqual([expect.stringMatching(/^body_changed: /), []]);
	expect(problem).toMatch(message);
});

it("says that it is old or from the future, and still whether the signature fits", () => {
	const at = (seconds: number) => problems(JSON_BODY, JSON_BODY, undefined, { now: NOW + seconds * 1_000 });
	expect(at(300)).toEqual(["fits"]);
	expect(at(301)).toEqual([expect.stringMatching(/^too_old: .*signed 301 s ago/), "fits"]);
	expect(at(-301)).toEqual([expect.stringMatching(/^too_new: .*301 s in the future.*clock/), "fits"]);
});

it("tells another secret, another id, milliseconds, a text as a key, and wrong forms apart", () => {
	const set =
		(name: string, ...values: string[]) =>
		(headers: Map<string, readonly string[]>) =>
			void headers.set(name, values);
	expect(problems(JSON_BODY, JSON_BODY, undefined, { secrets: [OTHER] })).toEqual([
		expect.stringMatching(/^no_matching_signature: .*whsec_….*secret of another webhook/),
	]);
	expect(problems(JSON_BODY, '{"type":"order.paid","data":2}')).toEqual([
		expect.stringMatching(/^no_matching_signature/),
	]);
	expect(problems(JSON_BODY, JSON_BODY, set("webhook-id", "evt_2"))).toEqual([
		expect.stringMatching(/^id_changed: .*"evt_1", not of "evt_2"/),
	]);
	expect(problems(JSON_BODY, JSON_BODY, set("webhook-timestamp", String(NOW)))).toEqual([
		expect.stringMatching(/^bad_timestamp: .*milliseconds/),
		expect.stringMatching(/^timestamp_changed/),
	]);
	expect(problems(JSON_BODY, JSON_BODY, set("webhook-timestamp", "soon"))[0]).toMatch(/^bad_timestamp: .*"soon"/);
	expect(problems(JSON_BODY, JSON_BODY, (headers) => void headers.delete("webhook-signature"))).toEqual([
		expect.stringMatching(/^missing_header: The header webhook-signature is missing/),
	]);
	expect(problems(JSON_BODY, JSON_BODY, set("webhook-signature", "v1=abc"))).toEqual([
		expect.stringMatching(/^bad_signature_form: .*v1=/),
	]);
	expect(problems(JSON_BODY, JSON_BODY, set("webhook-signature", `sha256,${"a".repeat(64)}`))[0]).toMatch(
		/hexadecimal/,
	);
	expect(problems(JSON_BODY, JSON_BODY, set("webhook-id", "evt_1", "evt_1"))[0]).toMatch(/^repeated_header: .*2 times/);
	const text = { text: SECRET.text, bytes: Buffer.from(SECRET.text) };
	const headers = new Map(
		signedHeaders([text], "evt_1", NOW / 1_000, Buffer.from("{}")).map(([name, value]) => [name, [value]]),
	);
	const { problems: found } = diagnose({ headers, body: Buffer.from("{}") }, [SECRET], { now: NOW, toleranceMs: 1 });
	expect(found).toMatchObject([{ code: "secret_not_decoded" }]);
	expect(problems("[1]")).toEqual([expect.stringMatching(/^invalid_body/), "fits"]);
});

it("signs any bytes for the SDK and for verify, with two secrets too", async () => {
	const secrets = file("secrets", `${SECRET.text}\n${OTHER.text}\n`);
	const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
	const bodies = [everyByte, Buffer.alloc(0), Buffer.alloc(262_144, "x"), Buffer.from(JSON_BODY)];
	for (const body of bodies) {
		const { code, stdout, stderr } = await run("sign", file("body", body), "--secret-file", secrets);
		expect([code, stderr]).toEqual([0, ""]);
		const headers = Object.fromEntries(
			stdout
				.trimEnd()
				.split("\n")
				.map((line) => line.split(": ") as [string, string]),
		);
		expect(Object.keys(headers)).toEqual(["webhook-id", "webhook-timestamp", "webhook-signature"]);
		await verifySignature(body, headers, OTHER.text);
		const request = file(
			"request",
			Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\n${stdout.replaceAll("\n", "\r\n")}\r\n`), body]),
		);
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
	const { stdout } = await run(
		"sign",
		body,
		"--secret-file",
		file("secret", SECRET.text),
		"--curl",
		"http://localhost/'$x",
	);
	const words = execFileSync("sh", ["-c", `curl() { printf '%s\\n' "$@"; }; ${stdout}`], { encoding: "utf8" });
	expect(words.trimEnd().split("\n").slice(-3)).toEqual(["--data-binary", `@${body}`, "http://localhost/'$x"]);
});
