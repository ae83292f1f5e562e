// Runs the drills of docs/deploying.md as they are written there: backup, restore on hold and release; and the upgrade of version 0.1.
// Only places, the port, keys and ids are put in, and the commands of the operating system that would change this machine are replaced.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";

import { Client } from "@fanfare/sdk";
import { eventually } from "@fanfare/testkit/eventually";
import { fixtureServerOptions, openDataFixture } from "@fanfare/testkit/fixture/data-fixture";
import { startReceiver } from "@fanfare/testkit/receiver";
import { freePort } from "@fanfare/testkit/server-process";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const MAIN = join(root, "packages/cli/src/main.ts");
const ADMIN_KEY = `sk_${"d".repeat(43)}`;
/** It compiles the sources, in some seconds of the CPU's time, of which a busy machine gives it a tenth. */
const START_WITHIN_MS = 300_000;
/** The schema that version 0.1 has left. */
const SCHEMA_OF_0_1 = 8;

/** The commands of a section of the page, a block each. */
function blocks(title: string): string[] {
	const page = readFileSync(join(root, "docs/deploying.md"), "utf8");
	const [, section = ""] = page.split(`### ${title}\n`);
	const [text = ""] = section.split(/^##/m);
	const found = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, code]) => code!);
	expect(found.length).toBeGreaterThan(0);
	return found;
}

/** Commands in place of the machine's own: `sudo` and `install` change no user, and `systemctl` knows one service. */
const SHIMS = {
	fanfare: `exec "$NODE" --conditions=@fanfare/source "$MAIN" "$@"`,
	sudo: `if [ "$1" = -u ]; then shift 2; fi; exec "$@"`,
	install: `for word do shift; if [ "$word" = -o ]; then skip=1; elif [ -n "$skip" ]; then skip=; else set -- "$@" "$word"; fi; done
		exec /usr/bin/install "$@"`,
	npm: `echo "npm $*" >> "$MACHINE/npm.log"`,
	systemctl: `case "$1 $2" in
		"start fanfare") "$NODE" --conditions=@fanfare/source $PRELOAD "$MAIN" serve >> "$MACHINE/log" 2>> "$MACHINE/err" & echo $! > "$MACHINE/pid" ;;
		"stop fanfare") kill "$(cat "$MACHINE/pid")"; while kill -0 "$(cat "$MACHINE/pid")" 2> /dev/null; do sleep 0.05; done ;;
		*) exit 64 ;;
	esac`,
};

/** A machine as the page describes it, in a directory. Its service ends with it. */
class Machine implements AsyncDisposable {
	readonly port: number;
	readonly #dir = new TemporaryDir();
	readonly #env: Readonly<Record<string, string>>;
	readonly #texts: Readonly<Record<string, string>>;

	static async make(env: Readonly<Record<string, string>>, preload: readonly string[] = []): Promise<Machine> {
		return new Machine(await freePort(), env, preload);
	}

	private constructor(port: number, env: Readonly<Record<string, string>>, preload: readonly string[]) {
		this.port = port;
		for (const name of ["bin", "lib", "backups", "safe"]) mkdirSync(this.#dir.join(name));
		for (const [name, code] of Object.entries(SHIMS)) {
			writeFileSync(this.#dir.join("bin", name), `#!/bin/sh\n${code}\n`);
			chmodSync(this.#dir.join("bin", name), 0o755);
		}
		this.#texts = {
			"/var/lib/": `${this.path("lib")}/`,
			"/var/backups/": `${this.path("backups")}/`,
			"/safe/": `${this.path("safe")}/`,
		};
		const inherited = Object.entries(process.env).filter(([name]) => !/^(FANFARE|NODE|VITEST|npm)_/.test(name));
		this.#env = {
			...Object.fromEntries(inherited),
			PATH: `${this.path("bin")}${delimiter}${process.env["PATH"] ?? ""}`,
			NODE: process.execPath,
			MAIN,
			MACHINE: this.#dir.path,
			PRELOAD: preload.map((module) => `--import=${module}`).join(" "),
			FANFARE_DATA_DIR: this.path("lib/fanfare"),
			FANFARE_PORT: String(port),
			FANFARE_URL: this.url,
			FANFARE_ADMIN_KEY: ADMIN_KEY,
			FANFARE_ALLOW_HTTP: "true",
			FANFARE_ALLOW_NETWORKS: "127.0.0.1/32",
			...env,
		};
	}

	get url(): string {
		return `http://127.0.0.1:${this.port}`;
	}

	get client(): Client {
		return new Client(this.#env["FANFARE_ADMIN_KEY"] ?? "", { endpoint: this.url });
	}

	path(...names: string[]): string {
		return this.#dir.join(...names);
	}

	/** Runs commands of the page, each of which must succeed. `texts` are put in besides places and the port. */
	async run(commands: string, texts: Readonly<Record<string, string>> = {}): Promise<string> {
		let script = commands.replaceAll(":8787", `:${this.port}`);
		for (const [text, own] of Object.entries({ ...this.#texts, ...texts })) script = script.replaceAll(text, own);
		const shell = spawn("sh", ["-eu", "-c", script], { env: this.#env, stdio: ["ignore", "pipe", "pipe"] });
		let output = "";
		for (const stream of [shell.stdout, shell.stderr]) stream.on("data", (data) => (output += String(data)));
		const [code] = (await once(shell, "close")) as [number | null];
		expect([code, output]).toEqual([0, output]);
		return output;
	}

	/** Resolves when the service responds. */
	async ready(): Promise<void> {
		const isReady = async () => (await fetch(`${this.url}/readyz`).catch(() => null))?.status === 200;
		await eventually("the service to be ready", isReady, START_WITHIN_MS);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (existsSync(this.path("pid"))) {
			const pid = Number(readFileSync(this.path("pid"), "utf8"));
			try {
				process.kill(pid, "SIGKILL");
			} catch {
				// It has ended already.
			}
		}
		this.#dir[Symbol.dispose]();
		await Promise.resolve();
	}
}

const schemaOf = (path: string): unknown => {
	using db = new DatabaseSync(path, { readOnly: true });
	return db.prepare("SELECT max(id) AS id FROM migrations").get()?.["id"];
};

describe.skipIf(process.platform === "win32")("docs/deploying.md", () => {
	it("backs up twice, restores on hold, and releases what was waiting", async () => {
		const [backup = ""] = blocks("Backing up");
		const [restore = "", release = ""] = blocks("Restoring");
		await using receiver = await startReceiver();
		await using machine = await Machine.make({});
		await machine.run("sudo install -d -o fanfare -m 700 /var/lib/fanfare\nsudo systemctl start fanfare\n");
		await machine.ready();
		const [first] = await machine.client.listProjects();
		const project = machine.client.project(first!.id);
		const make = () => project.batch.webhooks.create({ name: "test", spec: { endpoint: receiver.url } });
		const [webhook, other, mine] = [await make(), await make(), await make()];
		await project.batch.webhooks.pause(mine.id);
		await project.events.send({ type: "a.b", data: 1, webhookIds: [webhook.id] });
		await receiver.waitFor(1);
		await machine.run(backup);
		// It is the same command, night for night.
		expect(await machine.run(backup)).toContain("It was checked.");
		writeFileSync(machine.path("safe/master.key"), readFileSync(machine.path("lib/fanfare/master.key")));

		// The machine is lost, and begins anew.
		await machine.run("sudo systemctl stop fanfare\nsudo mv /var/lib/fanfare /var/lib/lost\n");
		expect(await machine.run(restore)).toContain("2 webhooks are Paused with the reason restored");
		await machine.ready();
		const statuses = async () => {
			const found = await Promise.all([webhook, other, mine].map(({ id }) => project.batch.webhooks.get(id)));
			return found.map(({ status, pausedReason }) => `${status} ${String(pausedReason)}`);
		};
		expect(await statuses()).toEqual(["Paused restored", "Paused restored", "Paused null"]);
		await project.events.send({ type: "a.b", data: 2, webhookIds: [webhook.id] });
		const held = await eventually("the new delivery to be held", async () => {
			const { data } = await project.deliveries.list({ status: "Held" });
			return data[0];
		});
		expect([held.webhookId, receiver.requests.length]).toEqual([webhook.id, 1]);

		const texts = { "sk_…": ADMIN_KEY, "proj_…": first!.id, "webhook_…": webhook.id };
		const said = await machine.run(release, texts);
		expect(said).toBe(`The webhook ${webhook.id} was released.\n1 webhook was released.\n`);
		expect(await statuses()).toEqual(["Enabled null", "Enabled null", "Paused null"]);
		await receiver.waitFor(2);
	});

	it("upgrades a directory of version 0.1, and goes back to what it was", async () => {
		const [upgrade = "", back = ""] = blocks("From 0.1 to 0.2");
		using fixture = openDataFixture("0.1");
		const { env, preload } = fixtureServerOptions(fixture);
		const { FANFARE_MASTER_KEY: key, ...settings } = env;
		await using machine = await Machine.make(settings, preload);
		mkdirSync(machine.path("lib/fanfare"), { mode: 0o700 });
		for (const name of ["fanfare.db", "fanfare.db-wal"]) {
			writeFileSync(machine.path("lib/fanfare", name), readFileSync(join(fixture.dataDir, name)));
		}
		const bytes = Buffer.from(key, /^[0-9a-f]{64}$/.test(key) ? "hex" : "base64");
		writeFileSync(machine.path("lib/fanfare/master.key"), `${bytes.toString("base64")}\n`, { mode: 0o600 });
		// A process that has just ended stands for the server of 0.1 that is stopped.
		const former = spawn("sleep", ["infinity"]);
		const ended = once(former, "exit");
		writeFileSync(machine.path("pid"), String(former.pid));

		expect(await machine.run(upgrade)).toContain(`schema ${SCHEMA_OF_0_1}`);
		await ended;
		expect(readFileSync(machine.path("npm.log"), "utf8")).toContain("npm install --global");
		const before = machine.path("backups/fanfare/before-0.2.db");
		expect(schemaOf(before)).toBe(SCHEMA_OF_0_1);
		expect(schemaOf(machine.path("lib/fanfare/fanfare.db"))).toBeGreaterThan(SCHEMA_OF_0_1);
		const { projectId, eventId } = fixture.expected.idempotentSends[0]!;
		expect(await machine.client.project(projectId).events.get(eventId)).toMatchObject({ id: eventId });

		// The page puts the key there afterwards.
		expect(await machine.run(back)).toContain("An earlier version has written it");
		expect(schemaOf(machine.path("lib/fanfare/fanfare.db"))).toBe(SCHEMA_OF_0_1);
		expect(readFileSync(machine.path("lib/fanfare/fanfare.db")).equals(readFileSync(before))).toBe(true);
		expect(existsSync(machine.path("lib/fanfare/master.key"))).toBe(true);
	});
});
