// The version in all its places: in step now, and after a release in a copy of them.
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { expect, it } from "vitest";

import { PUBLISHED, setVersion, versionPlaces } from "./versions.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A copy of every file that has the version. */
function copyOfPlaces(): TemporaryDir {
	const copy = new TemporaryDir();
	for (const file of new Set(["CHANGELOG.md", ...versionPlaces(root).map((place) => place.file)])) {
		mkdirSync(dirname(copy.join(file)), { recursive: true });
		cpSync(join(root, file), copy.join(file));
	}
	return copy;
}

it("is the same everywhere", () => {
	const places = versionPlaces(root);
	expect(new Set(places.map(({ version }) => version)).size).toBe(1);
	// What is published, and what is deployed from the checkout.
	for (const file of [
		"packages/sdk/package.json",
		"packages/server/package.json",
		"packages/cli/package.json",
		"deploy/helm/fanfare/Chart.yaml",
		"docs/deploying.md",
		"README.md",
		// Tests that name the version would fail in the run of CI that a release makes.
		"packages/cli/test/commands.test.ts",
	]) {
		expect(places.map((place) => place.file)).toContain(file);
	}
});

it("is that of every package that is not private", () => {
	const manifests = globSync("packages/*/package.json", { cwd: root }).map((file) => {
		const { private: isPrivate = false } = JSON.parse(readFileSync(join(root, file), "utf8")) as { private?: boolean };
		return { folder: file.split("/")[1], isPrivate };
	});
	const published = manifests.filter(({ isPrivate }) => !isPrivate).map(({ folder }) => folder);
	expect(new Set(published)).toEqual(new Set(PUBLISHED));
});

it("is set everywhere, with the date in the changelog, and changes nothing else", () => {
	using copy = copyOfPlaces();
	const changelog = readFileSync(copy.join("CHANGELOG.md"), "utf8").replace(/^## .*$/m, "## 7.1.0-rc.2 – unreleased");
	writeFileSync(copy.join("CHANGELOG.md"), changelog);
	const [{ version: former } = { version: "" }] = versionPlaces(root);
	setVersion(copy.path, "7.1.0-rc.2", "2027-01-31");
	const places = versionPlaces(copy.path);
	expect(new Set(places.map(({ version }) => version))).toEqual(new Set(["7.1.0-rc.2"]));
	for (const { file } of places) {
		const undone = readFileSync(copy.join(file), "utf8").replaceAll("7.1.0-rc.2", former);
		expect(undone).toBe(readFileSync(join(root, file), "utf8"));
	}
	expect(readFileSync(copy.join("CHANGELOG.md"), "utf8")).toMatch(/^## 7\.1\.0-rc\.2 – 2027-01-31$/m);
});

it.each([
	["v1.0.0", /"v1\.0\.0" is no version such as/],
	["1.0", /"1\.0" is no version/],
	["9.9.9", /the newest section of CHANGELOG\.md must be "## 9\.9\.9 – unreleased", and is "## /],
])("is not set to %s, and nothing changes", (version, message) => {
	using copy = copyOfPlaces();
	expect(() => setVersion(copy.path, version, "2027-01-31")).toThrow(message);
	for (const { file } of versionPlaces(copy.path)) {
		expect(readFileSync(copy.join(file), "utf8")).toBe(readFileSync(join(root, file), "utf8"));
	}
});
