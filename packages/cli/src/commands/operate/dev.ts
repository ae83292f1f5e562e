// `fanfare dev`: a server for a laptop, with one command and no setting: receivers on this machine are allowed, the key is kept in a
// profile, and the page is opened.
import type { RunningServer } from "@fanfare/server";
import type { Command } from "commander";

import { checkProfileName, readProfiles, writeProfiles } from "../../frame/profiles.ts";
import { reportAndExit } from "../../report.ts";
import { serve } from "../../serve.ts";
import { openInBrowser } from "../tools/open.ts";

interface Options {
	readonly open: boolean;
	readonly profile: string;
	readonly port?: string;
	readonly dataDir?: string;
}

/** What is set unless the environment says otherwise. Other machines can't reach the server. */
const SETTINGS = {
	FANFARE_ALLOW_HTTP: "true",
	FANFARE_ALLOW_NETWORKS: "127.0.0.0/8,::1/128",
	FANFARE_ALLOW_FOR_CUSTOMERS: "true",
	FANFARE_LOG_LEVEL: "warn",
} as const;

/** Adds the command to the program. */
export function addDev(program: Command): void {
	program
		.command("dev")
		.summary("Start a server for development on this machine.")
		.description(
			"Start a server for development: it listens on this machine alone, webhooks may call programs on this machine, those of customers too, the key is kept in a profile that becomes the one in use, and the page is opened. Other settings are those of serve, by environment variables.",
		)
		.option("--no-open", "Do not open the page in a browser.")
		.option("--profile <name>", "The profile that keeps the key.", "dev")
		.option("--port <number>", "The port to listen on. Default: 8787. [FANFARE_PORT]")
		.option("--data-dir <path>", "The data directory. Default: ./fanfare-data. [FANFARE_DATA_DIR]")
		.action(async (options: Options) => {
			try {
				await dev(options);
			} catch (error) {
				reportAndExit(error);
			}
		});
}

async function dev({ open, profile, port, dataDir }: Options): Promise<void> {
	checkProfileName(profile);
	// A damaged file must be known before a key is made that could not be kept.
	readProfiles();
	const flags = { ...(port !== undefined && { port }), ...(dataDir !== undefined && { "data-dir": dataDir }) };
	await serve(flags, {
		env: { ...SETTINGS, ...process.env },
		isLinkWanted: true,
		announce: (server) => void announce(server, profile, open).catch(reportAndExit),
	});
}

async function announce(server: RunningServer, wanted: string, open: boolean): Promise<void> {
	const { url, dataDir, firstStart, signInLink } = server;
	const lines = [`Fanfare listens on ${url} (data in ${dataDir}). Ctrl-C stops it.`];
	const { kept, problem } = tryToKeep(server, wanted);
	if (kept !== null)
		lines.push(
			`  Profile    ${kept} keeps the key, and is in use: fanfare webhooks create http://127.0.0.1:3000/hooks`,
		);
	else lines.push(`  Profile    ${problem ?? `no profile has a key of this server: fanfare login ${url}`}`);
	if (firstStart?.secretKey !== undefined && firstStart.secretKey !== null && kept === null)
		lines.push(`  Admin key  ${firstStart.secretKey}`);
	const isOpened = open && signInLink !== null && process.stderr.isTTY && (await openInBrowser(signInLink));
	if (isOpened) lines.push(`  Page       opened: ${url}/ui/`);
	else if (signInLink !== null)
		lines.push(`  Page       ${signInLink}`, "  Open it in a browser to sign in: it works once, within 10 minutes.");
	process.stderr.write(`${lines.join("\n")}\n`);
}

/** A key that could not be kept is printed, since it is known nowhere else. */
function tryToKeep(
	server: RunningServer,
	wanted: string,
): { readonly kept: string | null; readonly problem: string | null } {
	try {
		return { kept: keepKey(server, wanted), problem: null };
	} catch (error) {
		return { kept: null, problem: (error as Error).message };
	}
}

/** Keeps the key of a first start, or uses the profile that has one. Returns the profile's name; null if there is none. */
function keepKey({ url, firstStart }: RunningServer, wanted: string): string | null {
	const all = readProfiles();
	const secretKey = firstStart?.secretKey ?? null;
	const named = Object.hasOwn(all.profiles, wanted) ? all.profiles[wanted] : undefined;
	if (secretKey === null) {
		const found =
			named?.url === url ? wanted : Object.entries(all.profiles).find(([, profile]) => profile.url === url)?.[0];
		if (found !== undefined && all.current !== found) writeProfiles({ ...all, current: found });
		return found ?? null;
	}
	// No key of another server is lost.
	const name =
		named === undefined || (named.url === url && !named.isProduction) ? wanted : `${wanted}-${new URL(url).port}`;
	const profile = { url, key: secretKey, projectId: firstStart?.project.id ?? null, color: null, isProduction: false };
	writeProfiles({ current: name, profiles: { ...all.profiles, [name]: profile } });
	return name;
}
