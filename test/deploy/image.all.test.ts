// The image: its Dockerfile is valid, each of its steps works, and what it makes runs as its own user on a file system that cannot be written.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Client } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { startReceiver } from "@fanfare/testkit/receiver";
import { freePort } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { validate } from "dockerfile-utils";
import { expect, it, vi } from "vitest";

import { playDockerfile, playIssue } from "./dockerfile.ts";
import { sayIfSkipped } from "./skipped.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dockerfile = readFileSync(join(root, "deploy/docker/Dockerfile"), "utf8");
const ADMIN_KEY = `sk_${"i".repeat(43)}`;

// To install the packages and to build everything takes a minute, and more than ten where other programs take nine tenths of the machine.
vi.setConfig({ testTimeout: 1_800_000 });

const issue = await playIssue();
if (issue !== null && process.env["CI"] === "true") throw new Error(issue);
sayIfSkipped({ issue });

it("has a Dockerfile that the linter finds nothing in", () => {
	expect(validate(dockerfile)).toEqual([]);
	expect(validate(dockerfile.replace("EXPOSE 8787", "EXPOSE eighty"))).not.toEqual([]);
});

it("leaves out of the build context what the build makes itself, and the history", () => {
	const ignored = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
	expect(ignored).toEqual(expect.arrayContaining([".git", "**/node_modules", "**/dist"]));
});

it.skipIf(issue !== null)("builds, runs as uid 10001 with one writable folder, delivers, and stops", async () => {
	using work = new TemporaryDir();
	// The build context: the files of the checkout that git knows or would add.
	mkdirSync(work.join("context"));
	const list =
		"git ls-files -z --cached --others --exclude-standard | xargs -0 ls -d 2> /dev/null | tar --create --files-from=-";
	execFileSync("sh", ["-c", `${list} | tar --extract --directory '${work.join("context")}'`], { cwd: root });
	const image = await playDockerfile(dockerfile, work.join("context"), work.join("stages"));

	// Only what runs: no compiler, no sources, no tests.
	expect(readdirSync(join(image.root, "opt/fanfare/packages/server")).toSorted()).toEqual([
		"LICENSE",
		"dist",
		"package.json",
	]);
	const libraries = readdirSync(join(image.root, "opt/fanfare/node_modules"));
	expect(libraries).toEqual(expect.arrayContaining(["fanfare", "hono", "pino"]));
	expect(libraries).not.toEqual(expect.arrayContaining(["typescript"]));

	await using receiver = await startReceiver();
	const port = await freePort();
	const env = {
		FANFARE_PORT: String(port),
		FANFARE_ADMIN_KEY: ADMIN_KEY,
		FANFARE_ALLOW_HTTP: "true",
		FANFARE_ALLOW_NETWORKS: "127.0.0.1/32",
	};
	expect(image.user).toBe("10001:10001");
	const container = image.start([...image.entrypoint, ...image.cmd], { isReadOnly: true, env });
	const exited = once(container, "exit");
	let output = "";
	for (const stream of [container.stdout!, container.stderr!])
		stream.setEncoding("utf8").on("data", (text: string) => (output += text));
	const isHealthy = async () => (await image.run(image.healthCheck, { isReadOnly: true, env })).code === 0;
	try {
		await eventually("the container to be healthy", async () => {
			if (container.exitCode !== null) throw new Error(output);
			return isHealthy();
		});
		const client = new Client(ADMIN_KEY, { endpoint: `http://127.0.0.1:${port}` });
		const project = client.project((await client.projects.create({ name: "Image" })).id);
		await project.batch.webhooks.create({ name: "test", spec: { endpoint: receiver.url } });
		const { id } = await project.events.send({ type: "order.paid", data: 1 });
		await eventually("the delivery", async () => {
			const [delivery] = (await project.deliveries.list({ eventId: id })).data;
			return delivery?.status === "Succeeded";
		});
		// The page is in the image.
		expect((await fetch(`http://127.0.0.1:${port}/ui/`)).status).toBe(200);
		// Nothing else can be written.
		const write = await image.run(["/bin/sh", "-c", "touch /data/x && ! touch /opt/x && ! touch /tmp/x"], {
			isReadOnly: true,
		});
		expect(write.code).toBe(0);
		container.kill("SIGTERM");
		expect(await exited).toEqual([0, null]);
		expect(await isHealthy()).toBe(false);
	} finally {
		container.kill("SIGKILL");
	}
});
