// Does what docs/portal.md says, as a reader would: installs the packages, saves the program, starts both, and looks at the page.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startBrowser } from "@fanfare/testkit/browser/browser";
import { findChromium, HOW_TO_GET_CHROMIUM } from "@fanfare/testkit/browser/chromium";
import { eventually } from "@fanfare/testkit/eventually";
import { startServerProcess } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, expect, it } from "vitest";

import { ensurePage } from "../../../scripts/page-build.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));
const text = readFileSync(join(root, "docs/portal.md"), "utf8");
const blocks = (language: string) =>
	[...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, code]) => code!);

const folder = new TemporaryDir();
let child: ChildProcess | null = null;
afterAll(() => {
	child?.kill("SIGKILL");
	folder[Symbol.dispose]();
});

/** Installs a package as `npm install` of its folder does after `npm run build`. */
async function install(name: "sdk" | "portal"): Promise<void> {
	const [source, target] = [join(root, "packages", name), folder.join("node_modules/@fanfare", name)];
	mkdirSync(target, { recursive: true });
	cpSync(join(source, "package.json"), join(target, "package.json"));
	const args = ["--project", join(source, "tsconfig.build.json"), "--outDir", join(target, "dist")];
	await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...args]);
}

async function doAsTheDocumentSays(): Promise<void> {
	const [startCommand, installCommand, productCommand, sendCommand] = blocks("sh");
	expect(startCommand).toContain("npm ci && npm run build\n");
	expect(installCommand).toContain("npm install ../fanfare/packages/sdk ../fanfare/packages/portal\n");
	const settings = new Map(
		[...startCommand!.matchAll(/(FANFARE_[A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name!, value!] as const),
	);
	await Promise.all([ensurePage(), install("sdk"), install("portal")]);
	await using server = await startServerProcess({ env: Object.fromEntries(settings) });

	expect(productCommand).toMatch(/ node product\.mjs\n$/);
	const [program] = blocks("js");
	writeFileSync(folder.join("product.mjs"), program!);
	child = spawn(process.execPath, ["product.mjs"], {
		cwd: folder.path,
		env: { PATH: process.env["PATH"], FANFARE_URL: server.url, FANFARE_KEY: server.key, PORT: "0" },
	});
	let output = "";
	for (const stream of [child.stdout, child.stderr])
		stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
	const [, port] = await eventually("the address of the product", () => /^http:\/\/localhost:(\d+)\n/.exec(output));
	// The product has a port that was free, and not the one of the document, so the server is told of it now.
	const origin = settings.get("FANFARE_PORTAL_ORIGINS")!;
	expect(origin).toBe("http://localhost:3000");
	server.kill("SIGTERM");
	await server.restart({ FANFARE_PORTAL_ORIGINS: origin.replace("3000", port!) });

	await using browser = await startBrowser();
	await using person = await browser.person();
	const page = await person.tab(`http://localhost:${port}/`);
	const portal = page.frameLocator("fanfare-portal iframe");
	await portal.getByRole("link", { name: "Add endpoint" }).click();
	const [, address] = /Add the endpoint `([^`]+)`/.exec(text)!;
	await portal.getByLabel("Address").fill(address!.replace("3000", port!));
	await portal.getByRole("button", { name: "Add and test" }).click();
	await portal.getByText("It works: your server responded with 200").waitFor();
	await portal.getByRole("link", { name: "Done" }).click();
	// The list is loaded, so that what is sent now is new to it.
	await portal.getByText("No deliveries yet.").waitFor();
	// The frame is as high as the portal, and the portal has the accent of the tag.
	const heights = () =>
		page.evaluate(() => {
			const frame = document.querySelector("fanfare-portal")!.shadowRoot!.querySelector("iframe")!;
			return frame.clientHeight;
		});
	const inside = () => portal.locator("#root").evaluate((element) => Math.ceil(element.getBoundingClientRect().height));
	await expect.poll(async () => (await heights()) === (await inside())).toBe(true);

	const [, args = ""] = /npm run --silent fanfare -- (.*)\n/.exec(sendCommand!) ?? [];
	const words = [...args.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
	await run(process.execPath, ["--conditions=@fanfare/source", join(root, "packages/cli/src/main.ts"), ...words], {
		env: { PATH: process.env["PATH"], HOME: folder.path, FANFARE_URL: server.url, FANFARE_KEY: server.key },
	});
	await eventually("the event", () => /^\{.*"orderId": ?42\}\}$/m.test(output));
	await portal.getByRole("button", { name: "New deliveries. Show them" }).click();
	await portal.getByRole("link", { name: "order.paid" }).waitFor();
	// The address, the test and the event: nothing went wrong.
	expect(output.trimEnd().split("\n")).toHaveLength(3);
}

if (findChromium() !== null) it("docs/portal.md leads from nothing to an embedded portal", doAsTheDocumentSays);
else if (process.env["CI"] === "true") it("docs/portal.md", () => expect.fail(HOW_TO_GET_CHROMIUM));
else it("docs/portal.md", ({ skip }) => skip(HOW_TO_GET_CHROMIUM));
