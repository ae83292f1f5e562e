// Why a request is rejected, for each thing that usually happens to one on its way.
import { createHmac } from "node:crypto";

import { expect, it } from "vitest";

import { diagnose, type DiagnoseOptions } from "../src/diagnosis/diagnose.ts";

const [SECRET, OTHER] = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString("base64")}`) as [string, string];
const NOW = 1_800_000_000_000;
const JSON_BODY = '{"type":"order.paid","data":{"name":"é","n":1}}';

type Headers = Record<string, string | readonly string[] | undefined>;

function signedHeaders(
	body: string | Uint8Array,
	key: string | Buffer = Buffer.from(SECRET.slice(6), "base64"),
): Headers {
	const mac = createHmac("sha256", key)
		.update(`evt_1.${NOW / 1_000}.`)
		.update(body)
		.digest("base64");
	return { "webhook-id": "evt_1", "webhook-timestamp": String(NOW / 1_000), "webhook-signature": `v1,${mac}` };
}

interface Case extends Omit<DiagnoseOptions, "now"> {
	readonly now?: number;
	readonly secrets?: readonly string[];
	readonly headers?: Headers;
}

/** The code and message of each problem, and at the end whether a secret fits. */
async function problems(
	signed: string | Uint8Array,
	received: string | Uint8Array = signed,
	{ now = NOW, secrets = [SECRET], headers = {}, ...options }: Case = {},
) {
	const all = { ...signedHeaders(signed), ...headers };
	const found = await diagnose(received, all, secrets, { now: () => now, expectedId: "evt_1", ...options });
	return [
		...found.problems.map(({ code, message }) => `${code}: ${message}`),
		...(found.secretHint === null ? [] : [`fits ${found.secretHint}`]),
	];
}

const FITS = `fits ${SECRET.slice(-4)}`;

it("finds nothing wrong with a request as it was sent, with one of several secrets", async () => {
	expect(await problems(JSON_BODY)).toEqual([FITS]);
	expect(await problems(JSON_BODY, Buffer.from(JSON_BODY), { secrets: [OTHER, SECRET] })).toEqual([FITS]);
	expect(
		await diagnose(JSON_BODY, new Headers(signedHeaders(JSON_BODY) as Record<string, string>), SECRET),
	).toMatchObject({
		id: "evt_1",
		timestamp: String(NOW / 1_000),
		signatureCount: 1,
	});
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
])(
	"says of a body that %s, also without a secret if the body is known that was sent",
	async (_, signed, received, message) => {
		const changed = [expect.stringMatching(/^body_changed: /), FITS];
		const found = await problems(signed, received);
		expect(found).toEqual(changed);
		expect(found[0]).toMatch(message);
		const compared = await problems(signed, received, { secrets: [], sentBody: signed });
		expect(compared).toEqual([expect.stringMatching(message)]);
	},
);

it("says where a body differs from the one that was sent, and which secret has signed that", async () => {
	const of = (received: string, sentBody = JSON_BODY) => problems(JSON_BODY, received, { sentBody });
	expect(await of(JSON_BODY.replace('"n":1', '"n":2'))).toEqual([
		'body_changed: The body is not as it was sent: it differs from byte 46 on, which was "1}}" and is "2}}".',
		FITS,
	]);
	expect(await of(JSON_BODY.slice(0, 20))).toEqual([expect.stringContaining("it ends after 20 of 48 bytes."), FITS]);
	expect(await of(`${JSON_BODY}-- `)).toEqual([expect.stringContaining("3 bytes were added at its end."), FITS]);
	expect(await of("")).toEqual([expect.stringContaining("it is empty. It was 48 bytes."), FITS]);
	expect(await of('{"data":{"n":1,"name":"é"},"type":"order.paid"}')).toEqual([
		expect.stringContaining("parsed and written again"),
		FITS,
	]);
	expect(await problems(JSON_BODY, JSON_BODY, { secrets: [OTHER], sentBody: JSON_BODY })).toEqual([
		expect.stringMatching(
			/^no_matching_signature: .* The body is as it was sent, so it is the secret of another webhook/,
		),
	]);
	// Whoever signs for Fanfare's log may not be Fanfare.
	expect(await problems("{}", "{}", { sentBody: "{ }" })).toEqual([expect.stringMatching(/^body_changed: /), FITS]);
});

it("says that it is old or from the future, and still whether the signature fits", async () => {
	const at = (seconds: number) => problems(JSON_BODY, JSON_BODY, { now: NOW + seconds * 1_000 });
	expect(await at(300)).toEqual([FITS]);
	expect(await at(301)).toEqual([expect.stringMatching(/^too_old: .*signed 301 s ago/), FITS]);
	expect(await at(-301)).toEqual([expect.stringMatching(/^too_new: .*301 s in the future.*clock/), FITS]);
});

it("tells another secret, another id, milliseconds and a text as a key apart", async () => {
	const withHeader = (name: string, value: string | readonly string[] | undefined) =>
		problems(JSON_BODY, JSON_BODY, { headers: { [name]: value } });
	const unexplained = expect.stringMatching(/^no_matching_signature: .*whsec_….*secret of another webhook/);
	expect(await problems(JSON_BODY, JSON_BODY, { secrets: [OTHER] })).toEqual([unexplained]);
	expect(await problems(JSON_BODY, '{"type":"order.paid","data":2}')).toEqual([unexplained]);
	expect(await withHeader("webhook-id", "evt_2")).toEqual([
		expect.stringMatching(/^id_changed: .*"evt_1", not of "evt_2"/),
		FITS,
	]);
	expect(await withHeader("webhook-timestamp", String(NOW))).toEqual([
		expect.stringMatching(/^bad_timestamp: .*milliseconds/),
		expect.stringMatching(/^timestamp_changed/),
		FITS,
	]);
	expect((await withHeader("webhook-timestamp", "soon"))[0]).toMatch(/^bad_timestamp: .*"soon"/);
	expect((await withHeader("webhook-id", ["evt_1", "evt_1"]))[0]).toMatch(/^repeated_header: .*2 times/);
	expect(await problems("{}", "{}", { headers: signedHeaders("{}", SECRET) })).toEqual([
		expect.stringMatching(/^secret_not_decoded/),
	]);
	expect(await problems("[1]")).toEqual([expect.stringMatching(/^invalid_body/), FITS]);
});

it.each([
	["v1=abc", /`v1=`/],
	[`sha256,${"a".repeat(64)}`, /hexadecimal/],
	[`v1,${Buffer.alloc(32, 255).toString("base64url")}`, /base64 of URLs/],
	[`v1,${"A".repeat(43)}`, /= at its end is missing/],
	[`v1,${encodeURIComponent(Buffer.alloc(32, 255).toString("base64"))}`, /encoded for a URL/],
	["v1a,abc", /none of v1/],
	["v1,", /nothing after/],
])("says what is wrong with the form of the signature %s", async (signature, message) => {
	const found = await problems(JSON_BODY, JSON_BODY, { headers: { "webhook-signature": signature } });
	expect(found).toEqual([expect.stringMatching(/^bad_signature_form: /)]);
	expect(found[0]).toMatch(message);
});

it("says which header is missing, and still what is wrong with the rest", async () => {
	const headers = { "webhook-signature": undefined, "svix-signature": "v1,abc" };
	expect(await problems(JSON_BODY, `${JSON_BODY}\n`, { headers, sentBody: JSON_BODY, now: NOW + 400_000 })).toEqual([
		expect.stringMatching(/^missing_header: The header webhook-signature is missing; there is svix-signature/),
		expect.stringMatching(/^too_old/),
		expect.stringMatching(/^body_changed/),
	]);
});

it("says that a request is of another event also if no secret is given, or its signature can't be read", async () => {
	const other =
		'id_changed: The request has the webhook-id "evt_1", and not "evt_2": it is another event, or the id was changed.';
	expect(await problems(JSON_BODY, JSON_BODY, { secrets: [], expectedId: "evt_2" })).toEqual([other]);
	expect(await problems(JSON_BODY, JSON_BODY, { secrets: [], expectedId: "evt_1" })).toEqual([]);
	const unsigned = { headers: { "webhook-signature": undefined }, expectedId: "evt_2" };
	expect(await problems(JSON_BODY, JSON_BODY, unsigned)).toEqual([expect.stringMatching(/^missing_header/), other]);
	const withoutId = { headers: { "webhook-id": undefined }, expectedId: "evt_2" };
	expect(await problems(JSON_BODY, JSON_BODY, withoutId)).toEqual([expect.stringMatching(/^missing_header/)]);
});

it("tells a request of another event than the expected one, although its signature fits", async () => {
	expect(await problems(JSON_BODY, JSON_BODY, { expectedId: "evt_2" })).toEqual([
		'id_changed: The request has the webhook-id "evt_1", which its signature fits, and not "evt_2": it is another event.',
		FITS,
	]);
});
