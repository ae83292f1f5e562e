// `fanfare doctor`: checks what the command and its server need, and says what to type where something is wrong.
import type { Client, ProjectHandle, StatusMember, WorkspaceStatus } from "@fanfare/sdk";
import type { Command } from "commander";

import type { Call } from "../../frame/call.ts";
import { leaf } from "../../frame/command.ts";
import { findProject, type Connection } from "../../frame/connection.ts";
import { describeFailure, EXIT } from "../../frame/failure.ts";
import { timeoutOf } from "../../frame/patience.ts";
import { counted, size } from "../../text/numbers.ts";
import { printable, printableJson } from "../../text/printable.ts";
import { onStdout } from "../../text/style.ts";
import { relativeTime, shortDuration } from "../../text/times.ts";
import { VERSION } from "../../version.ts";

/** What a check has found. */
interface Finding {
	/** Stays the same between versions. */
	readonly check: string;
	readonly status: "ok" | "warn" | "fail";
	readonly message: string;
	/** The command to type; null if there is none. */
	readonly next: string | null;
}

const CLOCK_WARN_MS = 5_000;
/** Receivers refuse what is signed with a clock that is further off. */
const CLOCK_FAIL_MS = 300_000;
const KEY_EXPIRES_SOON_MS = 7 * 86_400_000;
const FREE_WARN = 0.1;
const MAX_WEBHOOKS_TOLD = 5;
const LATE_MS = 60_000;

/** Adds the command to the program. */
export function addDoctor(program: Command): void {
	leaf(
		program,
		{
			usage: "doctor",
			summary: "Check the server, the key, the clock, the page, the disk and the settings.",
			description: "Exits with 1 if something is wrong; warnings alone exit with 0.",
		},
		doctor,
	);
}

async function doctor(call: Call): Promise<void> {
	let failures = 0;
	for await (const finding of examine(call)) {
		if (finding.status === "fail") failures++;
		await tell(call, finding);
	}
	if (failures === 0) return;
	process.exitCode = EXIT.failed;
	call.output.note(counted(failures, "problem"));
}

const SIGNS = {
	ok: { sign: "✓", format: "green" },
	warn: { sign: "!", format: "yellow" },
	fail: { sign: "✗", format: "red" },
} as const;

async function tell({ output }: Call, finding: Finding): Promise<void> {
	if (output.mode === "json") return output.data(printableJson(finding));
	if (output.mode === "quiet") return finding.status === "ok" ? undefined : output.data(finding.check);
	const { sign, format } = SIGNS[finding.status];
	const next = finding.next === null ? "" : `\n    ${onStdout("dim", "next")}  ${finding.next}`;
	await output.data(`${onStdout(format, sign)} ${printable(finding.message)}${next}`);
}

async function* examine(call: Call): AsyncGenerator<Finding> {
	let connection: Connection;
	try {
		connection = call.connection;
	} catch (error) {
		const { message, next } = await describeFailure(error);
		return yield { check: "profile", status: "fail", message, next };
	}
	const name = connection.profile?.name;
	yield ok("profile", name === undefined ? "The key is from FANFARE_KEY" : `Profile ${name}`);
	const isReached = yield* reach(connection);
	if (!isReached) return;
	yield* encryption(connection);
	const isKnown = yield* key(call.client);
	if (!isKnown) return;
	const project = yield* projectOf(call);
	yield* status(call.client);
	if (project !== null) yield* webhooks(project);
}

async function* reach({ url }: Connection): AsyncGenerator<Finding, boolean> {
	const begin = performance.now();
	let response: Response;
	let body: unknown;
	try {
		response = await fetch(`${url}/healthz`, { redirect: "manual", signal: AbortSignal.timeout(timeoutOf()) });
		body = await response.json().catch(() => null);
	} catch (error) {
		const reason = ((error as { readonly cause?: Error }).cause ?? (error as Error)).message;
		const next = /127\.0\.0\.1|localhost|\[::1\]/.test(url) ? "fanfare serve" : `curl -v ${url}/healthz`;
		yield { check: "server", status: "fail", message: `${url} does not answer: ${reason}`, next };
		return false;
	}
	const { version } = (body ?? {}) as { readonly version?: string };
	if (response.status !== 200 || version === undefined) {
		yield {
			check: "server",
			status: "fail",
			message: `${url} answers with ${response.status}, and not as a Fanfare server`,
			next: `curl -v ${url}/healthz`,
		};
		return false;
	}
	yield ok("server", `${url} answers in ${Math.round(performance.now() - begin)} ms`);
	const minor = (text: string) => text.split(".").slice(0, 2).join(".");
	if (minor(version) === minor(VERSION))
		yield ok("version", `Server and command are ${version === VERSION ? VERSION : `${version} and ${VERSION}`}`);
	else
		yield {
			check: "version",
			status: "warn",
			message: `The server is ${version}, this command is ${VERSION}`,
			next: `npm install --global fanfare@${version}`,
		};
	yield* clock(response.headers.get("date"));
	yield* page(url);
	return true;
}

async function* clock(date: string | null): AsyncGenerator<Finding> {
	const there = Date.parse(date ?? "");
	if (Number.isNaN(there)) return;
	// The header has whole seconds.
	const off = Date.now() - there - 500;
	const distance = Math.abs(off);
	if (distance < CLOCK_WARN_MS) return yield ok("clock", "The clocks here and there agree");
	const message = `The clock here is ${shortDuration(distance)} ${off > 0 ? "ahead of" : "behind"} the server's: one of both is wrong, and receivers refuse signatures of another time`;
	yield {
		check: "clock",
		status: distance < CLOCK_FAIL_MS ? "warn" : "fail",
		message,
		next: "timedatectl set-ntp true",
	};
}

async function* page(url: string): AsyncGenerator<Finding> {
	const status = await fetch(`${url}/ui/`, { redirect: "manual", signal: AbortSignal.timeout(timeoutOf()) }).then(
		async (response) => {
			await response.body?.cancel();
			return response.status;
		},
		() => 0,
	);
	if (status === 200) yield ok("page", `The page is at ${url}/ui/`);
	else
		yield {
			check: "page",
			status: "warn",
			message: "The server has no page: it was not built",
			next: "npm run build:page",
		};
}

async function* encryption({ url }: Connection): AsyncGenerator<Finding> {
	const { protocol, hostname } = new URL(url);
	if (protocol === "https:") yield ok("encryption", "The connection is encrypted");
	else if (/^127\.|^localhost$|^\[::1\]$/.test(hostname))
		yield ok("encryption", "Not encrypted, and it stays on this machine");
	else
		yield {
			check: "encryption",
			status: "fail",
			message: "Not encrypted: the key travels in the clear. Put TLS in front: docs/deploying.md",
			next: `fanfare login ${url.replace("http:", "https:")}`,
		};
}

async function* key(client: Client): AsyncGenerator<Finding, boolean> {
	try {
		const { name, scope, projectId, expireDate } = await client.getCaller();
		const allowed =
			scope === null
				? "a customer's token"
				: `may ${{ read: "read", write: "read and write", admin: "do everything" }[scope]}`;
		yield ok(
			"key",
			`Key ${JSON.stringify(name ?? "")} ${allowed} in ${projectId === null ? "the whole workspace" : projectId}`,
		);
		if (expireDate !== null && expireDate - Date.now() < KEY_EXPIRES_SOON_MS) {
			yield {
				check: "key_expiry",
				status: "warn",
				message: `The key expires ${relativeTime(expireDate)}`,
				next: "fanfare keys roll",
			};
		}
		return true;
	} catch (error) {
		const { message, next } = await describeFailure(error);
		const { AuthenticationError } = await import("@fanfare/sdk");
		yield {
			check: "key",
			status: "fail",
			message: error instanceof AuthenticationError ? `The server does not know the key: ${message}` : message,
			next,
		};
		return false;
	}
}

async function* projectOf(call: Call): AsyncGenerator<Finding, ProjectHandle | null> {
	const handle = await findProject(call.client, call.connection.project).catch((error: unknown) =>
		describeFailure(error),
	);
	if (handle !== null && "message" in handle) {
		yield { check: "project", status: "fail", message: handle.message, next: handle.next };
		return null;
	}
	if (handle === null) {
		yield {
			check: "project",
			status: "warn",
			message: "No project is chosen, and there are several or none",
			next: "fanfare use --project <id or name>",
		};
		return null;
	}
	const found = await call.client.getProject(handle.id).catch((error: unknown) => describeFailure(error));
	if ("exitCode" in found) {
		yield { check: "project", status: "fail", message: found.message, next: found.next };
		return null;
	}
	yield ok("project", `Project ${JSON.stringify(found.name)} (${found.id})`);
	return handle;
}

async function* status(client: Client): AsyncGenerator<Finding> {
	let found: WorkspaceStatus;
	try {
		found = await client.getStatus();
	} catch (error) {
		const { PermissionDeniedError } = await import("@fanfare/sdk");
		if (error instanceof PermissionDeniedError)
			return yield ok("status", "Disk and settings are shown only to a key of the whole workspace");
		const { message, next } = await describeFailure(error);
		return yield { check: "status", status: "fail", message, next };
	}
	const { store, commits, backlog, members, warnings } = found;
	if (commits.p50Ms !== null)
		yield ok("commits", `The store writes in ${shortDuration(Math.max(1, commits.p50Ms))} (median)`);
	if (store.freeBytes !== null && store.volumeBytes !== null) {
		const isLow = store.freeBytes / store.volumeBytes < FREE_WARN;
		const message = `${size(store.freeBytes)} of ${size(store.volumeBytes)} are free for the store, which takes ${size(store.fileBytes ?? 0)}`;
		yield {
			check: "disk",
			status: isLow ? "warn" : "ok",
			message,
			next: isLow ? "fanfare projects update --retention-days <count>" : null,
		};
	}
	const waiting = counted((backlog.pending ?? 0) + (backlog.held ?? 0), "delivery waits", "deliveries wait");
	const isLate = backlog.oldestDueMs > LATE_MS;
	const late = isLate ? `, the oldest has been due for ${shortDuration(backlog.oldestDueMs)}` : "";
	yield {
		check: "backlog",
		status: isLate ? "warn" : "ok",
		message: `${waiting}${late}`,
		next: isLate ? "fanfare deliveries list --status Pending" : null,
	};
	if (members !== null && members.length > 0) yield processes(members);
	for (const { code, message } of warnings) {
		yield {
			check: code,
			status: BROKEN.has(code) ? "fail" : "warn",
			message,
			next: code.endsWith("_allowed") ? "fanfare config" : null,
		};
	}
}

/** One that is lost has crashed or was cut off, or its machine has. */
function processes(members: readonly StatusMember[]): Finding {
	const lost = members.filter(({ state }) => state === "lost").length;
	const shares = counted(members.length - lost, "process shares", "processes share");
	const message = `${shares} the database${lost === 0 ? "" : `; ${lost} lost in the last ten minutes`}`;
	return { check: "members", status: lost === 0 ? "ok" : "warn", message, next: lost === 0 ? null : "fanfare status" };
}

/** Warnings of the server that are failures. */
const BROKEN: ReadonlySet<string> = new Set(["store_failing", "delivery_stalled", "nobody_delivers"]);

async function* webhooks(project: ProjectHandle): AsyncGenerator<Finding> {
	const { data, nextPage } = await project.batch.webhooks.list({
		health: ["Failing", "Disabling", "Disabled"],
		limit: 100,
	});
	for (const { id, name, health, lastAttempt } of data.slice(0, MAX_WEBHOOKS_TOLD)) {
		const since = health.failingSince === null ? "" : ` since ${relativeTime(health.failingSince)}`;
		const why = lastAttempt === null ? "" : `: ${lastAttempt.cause ?? lastAttempt.error ?? lastAttempt.responseCode}`;
		const next = health.state === "Disabled" ? `fanfare webhooks resume ${id}` : `fanfare webhooks test ${id}`;
		yield {
			check: "webhook",
			status: "warn",
			message: `Webhook ${JSON.stringify(name)} is ${health.state}${since}${why}`,
			next,
		};
	}
	const more = data.length - MAX_WEBHOOKS_TOLD;
	if (more > 0) {
		const message = `${nextPage === null ? "" : "more than "}${counted(more, "other webhook fails", "other webhooks fail")}`;
		yield {
			check: "webhook",
			status: "warn",
			message,
			next: "fanfare webhooks list --health Failing,Disabling,Disabled",
		};
	}
	if (data.length === 0) yield ok("webhooks", "No webhook fails");
}

function ok(check: string, message: string): Finding {
	return { check, status: "ok", message, next: null };
}
