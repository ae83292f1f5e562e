// `fanfare listen`: real deliveries on this machine, over a relay.
import type { ProjectHandle, PutRelay, Relay } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call, CommonOptions } from "../../frame/call.ts";
import { leaf, option } from "../../frame/command.ts";
import { CommandError, EXIT, usageError } from "../../frame/failure.ts";
import { webhookIdOf } from "../../frame/named.ts";
import { parseList } from "../../frame/values.ts";
import { parseDuration, parseTime } from "../../text/times.ts";
import { parseSecret, readSecrets, SECRET_FILE, type Secret } from "../signing/signature.ts";
import { defaultDevice, keptListener, noteSeen, type ListenerName } from "./devices.ts";
import { Reporter } from "./reporter.ts";
import { Session } from "./session.ts";
import { parseTarget } from "./target.ts";

/** The options of `fanfare listen`. */
export interface ListenOptions extends CommonOptions {
	readonly events?: string[];
	readonly mirror?: string;
	readonly customer?: string;
	readonly device?: string;
	readonly since?: number;
	readonly timeout?: number;
	readonly secretFile?: string;
	readonly printSecret?: boolean;
	readonly keep?: boolean;
	readonly allowRemote?: boolean;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** How long the last calls to the server may take. */
const LAST_CALLS = { timeoutMs: 5_000, maxRetries: 0 } as const;
const SETTLE_TRIES = 20;

/** Adds the command to the program. */
export function addListen(program: Command): void {
	leaf<ListenOptions>(
		program,
		{
			usage: "listen [target]",
			summary: "Forward deliveries to a program on this machine.",
			description:
				"The server needs no way to this machine: the command connects to it, as a relay. Each request reaches the program byte for byte, with its headers in their order, and the program's response is the result of the attempt. While nothing listens at the target, deliveries wait and use no retry. Ctrl-C ends it: what is under way is finished, and the relay is removed unless deliveries wait for it.",
			changes: "asks",
			args: {
				target: "A port and a path such as 3000/hooks, or a URL on this machine. Asked for on a terminal.",
			},
			options: [
				option("--events <list>", "Only events of these types, such as order.paid,user.*.", parseList),
				option("--mirror <webhook>", "Only event types of this webhook: its id, key or name."),
				option("--customer <id>", "Only events that are for this customer. Default: those of all."),
				option("--device <name>", "Names this listener, so that several can run. Default: user@machine."),
				option("--since <time>", "First send events since then that this listener has not had.", (text) =>
					parseTime(text),
				),
				option("--timeout <duration>", "The time for a response, 1s to 60s. Default: 30s.", parseDuration),
				option("--secret-file <file>", `Sign with your own secret. ${SECRET_FILE}`),
				option("--print-secret", "Print the secret that signs, and end. It stays the same for a device."),
				option("--keep", "Keep the relay at the end: deliveries wait for an hour."),
				option("--allow-remote", "Allow a target that is not this machine."),
			],
			examples: [
				"fanfare listen 3000/hooks",
				"fanfare listen 3000/hooks --events 'order.*' --device ada-2",
				"WEBHOOK_SECRET=$(fanfare listen --print-secret) npm run dev",
				"fanfare listen 3000/hooks --json",
			],
		},
		listen,
	);
}

async function listen(call: Call<ListenOptions>, given: string | undefined): Promise<void> {
	const { options } = call;
	const { customer = null, device = defaultDevice(), timeout: timeoutMs = DEFAULT_TIMEOUT_MS } = options;
	if (options.events !== undefined && options.mirror !== undefined) {
		throw usageError("Pass --events or --mirror, not both: --mirror takes over the event types of a webhook.");
	}
	if (options.secretFile !== undefined && options.printSecret === true) {
		throw usageError("Pass --secret-file or --print-secret, not both: the secret of the file is the one that signs.");
	}
	// Before the first call: a wrong target is found at once, without a server.
	const check = (text: string) => void parseTarget(text, options.allowRemote === true);
	if (given !== undefined) check(given);
	const fromFile = options.secretFile === undefined ? null : await secretOf(options.secretFile);
	const project = await call.project();
	const name: ListenerName = { url: call.connection.url, projectId: project.id, customerId: customer, device };
	if (options.printSecret === true) return printSecret(call, name);
	const text = await call.need("target", given, "Where to, such as 3000/hooks", check);
	const target = parseTarget(text, options.allowRemote === true);
	await call.confirmProduction("fanfare listen");
	const kept = await keptListener(name);
	const secret = fromFile ?? parsed(kept.secret);
	const settings: PutRelay = {
		device,
		secret: secret.text,
		timeoutMs,
		...(customer !== null && { customerId: customer }),
		...(options.events !== undefined && { eventTypes: options.events }),
		...(options.mirror !== undefined && { mirrorOf: await webhookIdOf(call, project, options.mirror) }),
	};
	const about = { target, secret, timeoutMs, isOwnSecret: fromFile !== null, url: call.connection.url };
	const exit = new Exit();
	let relay: Relay | null = null;
	const reporter = new Reporter(call, about, {
		quit: (exitCode) => exit.ask(exitCode, session, reporter),
		firstReady: (first) => void catchUp(project, first, { since: options.since, seenDate: kept.seenDate }, reporter),
		ready: (now) => (relay = now),
	});
	const session = new Session(project, settings, target, reporter);
	using _signals = exit.onSignals(session, reporter);
	reporter.open();
	try {
		const end = await session.run();
		if (end.by === "us") await leave(project, relay, options.keep === true, reporter);
		else throw endedByServer(end.by, device);
		process.exitCode = exit.code;
	} finally {
		reporter.close();
		if (relay !== null) noteSeen(name, Date.now());
	}
}

/** Why the command ends: a signal, or a key. */
class Exit {
	code = 0;
	#isAsked = false;

	/** The first time, the session ends as it should; the second time, the process ends at once. */
	ask(code: number, session: Session, reporter: Reporter): void {
		if (this.#isAsked) process.exit(code);
		this.#isAsked = true;
		this.code = code;
		reporter.stopping(session.underWayCount);
		void session.stop();
	}

	onSignals(session: Session, reporter: Reporter): Disposable {
		const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
		const listeners = Object.entries(codes).map(([signal, code]) => {
			const listener = () => this.ask(code, session, reporter);
			process.on(signal, listener);
			return () => process.off(signal, listener);
		});
		return { [Symbol.dispose]: () => listeners.forEach((remove) => remove()) };
	}
}

/** Removes the relay, unless deliveries wait for it: they would be cancelled. */
async function leave(project: ProjectHandle, relay: Relay | null, isKept: boolean, reporter: Reporter): Promise<void> {
	if (relay === null) return;
	try {
		const waiting = await waitingCount(project, relay.webhookId, reporter.hasAnswered);
		if (isKept || waiting > 0) return reporter.left("kept", waiting);
		await project.relays.delete(relay.id, LAST_CALLS);
		reporter.left("removed", 0);
	} catch {
		reporter.left("unknown", 0);
	}
}

/** How many deliveries wait. What was answered just now may take a moment to be stored. */
async function waitingCount(project: ProjectHandle, webhookId: string, mayChange: boolean): Promise<number> {
	const { setTimeout: sleep } = await import("node:timers/promises");
	for (let tries = 1; ; tries++) {
		const { count } = await project.deliveries.count({ webhookId, status: ["Pending", "Held"] }, LAST_CALLS);
		if (count === 0 || !mayChange || tries === SETTLE_TRIES) return count;
		await sleep(50);
	}
}

/** Sends what was missed, or says that there is something. */
async function catchUp(
	project: ProjectHandle,
	{ webhookId, createDate }: Relay,
	{ since, seenDate }: { readonly since: number | undefined; readonly seenDate: number | null },
	reporter: Reporter,
): Promise<void> {
	try {
		// Until now by the server's clock. This machine's may be behind.
		if (since !== undefined) {
			await project.batch.webhooks.replay(webhookId, { since });
			return;
		}
		// An older relay has what came meanwhile: it was held.
		if (seenDate === null || createDate < seenDate) return;
		const { count } = await project.batch.webhooks.replay(webhookId, { since: seenDate, dryRun: true });
		reporter.missed(count, seenDate);
	} catch (error) {
		reporter.problem(error);
	}
}

function endedByServer(by: "replaced" | "deleted", device: string): CommandError {
	if (by === "deleted") return new CommandError("Somebody has deleted the relay of this listener.", EXIT.failed);
	return new CommandError(
		`Another \`fanfare listen\` runs as ${device}, and gets the deliveries now. To run both, name one with --device.`,
		EXIT.failed,
		"fanfare listen --device <name>",
	);
}

async function secretOf(file: string): Promise<Secret> {
	const [secret, other] = await readSecrets(file);
	if (secret !== undefined && other === undefined) return secret;
	throw usageError("--secret-file must have one secret for a listener.");
}

/** A secret of the file of this machine. */
function parsed(text: string): Secret {
	const secret = parseSecret(text);
	if (secret === null) throw new CommandError("The secret of this listener is damaged.", EXIT.failed);
	return secret;
}

async function printSecret({ output }: Call<ListenOptions>, name: ListenerName): Promise<void> {
	const { secret } = await keptListener(name);
	await output.object({ object: "secret", device: name.device, secret }, secret, () => [["", secret]]);
}
