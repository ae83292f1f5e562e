// Portal sessions: their tokens, and which values of theirs are valid.
import { expect, it } from "vitest";

import { systemChance } from "../../adapters/system/system-chance.ts";
import { isSecretKey } from "./key.ts";
import {
	canonicalLocale,
	canonicalReturnUrl,
	generatePortalToken,
	isPortalToken,
	looksLikePortalToken,
} from "./portal-session.ts";
import { COLOR_PATTERN, FONT_PATTERN } from "./portal-theme.ts";

it("makes a different token each time, which is no key", () => {
	const token = generatePortalToken(systemChance);
	expect(token).toMatch(/^ps_[A-Za-z0-9_-]{43}$/);
	expect([isPortalToken(token), looksLikePortalToken(token), isSecretKey(token)]).toEqual([true, true, false]);
	expect(generatePortalToken(systemChance)).not.toBe(token);
});

it("a text of another form is no token", () => {
	const lengths = [42, 44].map((length) => `ps_${"A".repeat(length)}`);
	const texts = ["", "ps_", ...lengths, `ps_${"A".repeat(42)}=`, `sk_${"A".repeat(43)}`];
	expect(texts.filter(isPortalToken)).toEqual([]);
});

it.each([
	["https://example.com/account?a=1#b", "https://example.com/account?a=1#b"],
	["HTTP://Example.COM", "http://example.com/"],
	["http://localhost:3000/x", "http://localhost:3000/x"],
	["https://exämple.com/ü", "https://xn--exmple-cua.com/%C3%BC"],
])("the return URL %j is %j", (text, expected) => expect(canonicalReturnUrl(text)).toBe(expected));

it("a return URL is absolute, https or http, and has no credentials and no characters that some parsers drop", () => {
	const schemes = ["javascript:alert(1)", "JavaScript://example.com/%0Aalert(1)", "data:text/html,x"];
	const relative = ["", "https:example.com", "//example.com", "/account", "https://", "https://exa mple.com"];
	const credentials = [
		"https://user:secret@example.com/",
		"https://user@example.com/",
		"https://example.com\\@evil.example/",
	];
	const ends = ["a b", "\n", "\ud800", "a".repeat(2_048), "ü".repeat(1_000)].map((end) => `https://example.com/${end}`);
	const refused = [...schemes, ...relative, ...credentials, ...ends, " https://example.com/"];
	expect(refused.filter((text) => canonicalReturnUrl(text) !== null)).toEqual([]);
});

it.each([
	["de", "de"],
	["pt-br", "pt-BR"],
	["zh-hant-tw", "zh-Hant-TW"],
	["de-CH-1996", "de-CH-1996"],
])("the language %j is %j", (text, expected) => expect(canonicalLocale(text)).toBe(expected));

it("a language is a tag of at most 64 characters", () => {
	const others = ["deutsch german", "de_CH", "e", "", 'de"><script>', `de-${"a".repeat(62)}`];
	expect(others.filter((text) => canonicalLocale(text) !== null)).toEqual([]);
});

const isColour = (text: string) => COLOR_PATTERN.test(text);
const isFont = (text: string) => FONT_PATTERN.test(text);

it("colours are three or six hexadecimal digits, and nothing that ends the value", () => {
	const others = [
		"red",
		"#ffff",
		"#fffffff",
		"#ggg",
		"#fff;}",
		"#fff\n",
		"url(x)",
		"rgb(1,2,3)",
		"var(--x)",
		"#fff;}</style>",
		"",
	];
	expect(["#fff", "#0B7285", ...others].filter(isColour)).toEqual(["#fff", "#0B7285"]);
});

it("fonts are plain names, and nothing that ends the value", () => {
	const fonts = ["Inter", "IBM Plex Sans", "system-ui"];
	const others = ["", " Inter", "Inter ", "Open  Sans", '"Inter"', "Inter, Arial", "Inter\n", "a\\65", "a/**/b", "3d"];
	const attacks = ["a;}</style>", "a}body{display:none", "url(x)", "expression(alert(1))"];
	expect([...fonts, ...others, ...attacks].filter(isFont)).toEqual(fonts);
});
