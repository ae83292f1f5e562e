// The file of settings: which lines count.
import { writeFileSync } from "node:fs";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, expect, it } from "vitest";

import { settingsInFile } from "./settings-file.ts";

const dir = new TemporaryDir();
afterAll(() => dir[Symbol.dispose]());

function settingsIn(text: string, env: Readonly<Record<string, string>> = {}): Record<string, string> {
	const file = dir.join("settings.env");
	writeFileSync(file, text);
	return settingsInFile({ ...env, FANFARE_SETTINGS_FILE: file }, {});
}

const INJECTED = [
	"FANFARE_PORT=tcp://10.96.0.17:8787",
	"FANFARE_PORT_8787_TCP_ADDR=10.96.0.17",
	"FANFARE_SERVICE_HOST=10.96.0.17",
	"FANFARE_METRICS_SERVICE_PORT=9090",
].join("\n");

it("takes variables that Kubernetes has injected for no settings", () => {
	expect(() => settingsIn(INJECTED)).toThrow(
		/must contain a setting .*, got only others: FANFARE_PORT, FANFARE_PORT_8787/,
	);
	// Nor do they take the place of a setting in the environment.
	const env = { FANFARE_PORT: "8080" };
	expect(settingsIn(`${INJECTED}\nFANFARE_LOG_LEVEL=debug\n`, env)).toEqual({ FANFARE_LOG_LEVEL: "debug" });
});

it("still refuses a port, which cannot change while the server runs", () => {
	expect(() => settingsIn("FANFARE_PORT=8080\nFANFARE_LOG_LEVEL=debug")).toThrow("FANFARE_PORT cannot change");
});

it("takes each line for what it says, also those with names that every object has", () => {
	const names = ["constructor", "toString", "__proto__"];
	const text = names.map((name) => `${name}=1\n`).join("");
	const found = settingsIn(`${text}FANFARE_LOG_LEVEL=debug\n`);
	expect(Object.entries(found)).toEqual([...names.map((name) => [name, "1"]), ["FANFARE_LOG_LEVEL", "debug"]]);
	expect(() => settingsIn(`${text}constructor=2\nFANFARE_LOG_LEVEL=debug`)).toThrow(
		/line 4: constructor appears a second time: remove one of them/,
	);
});
