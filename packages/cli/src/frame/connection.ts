// Which server a command talks to, and with which key: by flags, the environment, or a profile.
import type { Client, ProjectHandle } from "@fanfare/sdk";

import { CommandError, EXIT, usageError } from "./failure.ts";
import { namedProfile, readProfiles, type Profile } from "./profiles.ts";

/** The address of a server on this machine. */
export const DEFAULT_URL = "http://127.0.0.1:8787";

/** The flags that choose the server. */
export interface ConnectionFlags {
	readonly profile?: string;
	readonly url?: string;
	readonly project?: string;
}

/** A server, a key, and the project that is used if none is named. */
export interface Connection {
	readonly url: string;
	readonly key: string;
	/** An id or a name; null for none. */
	readonly project: string | null;
	/** Null if the key is from FANFARE_KEY. */
	readonly profile: (Profile & { readonly name: string }) | null;
}

/**
 * Finds the connection. A profile that is named wins over `FANFARE_KEY`, which wins over the current profile. The key of a profile is never
 * sent to another address than the profile's.
 */
export function findConnection(flags: ConnectionFlags, env: NodeJS.ProcessEnv = process.env): Connection {
	const variable = (name: string) => (env[name] === "" ? undefined : env[name]);
	const url = flags.url ?? variable("FANFARE_URL");
	const project = flags.project ?? variable("FANFARE_PROJECT") ?? null;
	const key = variable("FANFARE_KEY");
	const named = flags.profile ?? (key === undefined ? variable("FANFARE_PROFILE") : undefined);
	if (named === undefined && key !== undefined) {
		return { url: checkUrl(url ?? DEFAULT_URL, flags), key, project, profile: null };
	}
	const profiles = readProfiles();
	const name = named ?? profiles.current;
	if (name === null) {
		const message = "You are not logged in: there is no profile, and FANFARE_KEY is not set.";
		throw new CommandError(message, EXIT.auth, "fanfare login");
	}
	const profile = namedProfile(profiles, name);
	if (url !== undefined && checkUrl(url, flags) !== profile.url) {
		const source = flags.url === undefined ? "FANFARE_URL" : "--url";
		throw usageError(
			`${source} is not the address of the profile ${name}, whose key is only for ${profile.url}. Set FANFARE_KEY to a key for the other server, or name its profile with --profile.`,
			"fanfare login",
		);
	}
	return { url: profile.url, key: profile.key, project: project ?? profile.projectId, profile: { ...profile, name } };
}

/** Checks an address, and removes a slash at its end. The error does not repeat it, since it may contain a password. */
export function checkUrl(url: string, flags: ConnectionFlags = { url }): string {
	const parsed = URL.parse(url);
	const name = flags.url === undefined ? "FANFARE_URL" : "The address";
	if (parsed === null || !["http:", "https:"].includes(parsed.protocol)) {
		throw usageError(`${name} must be an absolute http or https URL such as ${DEFAULT_URL}.`);
	}
	if (parsed.username !== "" || parsed.password !== "" || parsed.search !== "" || parsed.hash !== "") {
		throw usageError(`${name} must be a URL without user name, password, query and fragment, such as ${DEFAULT_URL}.`);
	}
	return parsed.origin + parsed.pathname.replace(/\/+$/, "");
}

/** The project to work in: the one that is named, that of the key, or the only one. Null if it must be chosen. */
export async function findProject(client: Client, named: string | null): Promise<ProjectHandle | null> {
	if (named !== null && /^(proj_)?[0-9a-f]{32}$/.test(named)) return client.project(named);
	if (named === null) {
		const { projectId } = await client.getCaller();
		if (projectId !== null) return client.project(projectId);
	}
	const projects = await client.listProjects();
	if (named === null) return projects.length === 1 ? (projects[0] ?? null) : null;
	const [project, other] = projects.filter(({ name }) => name === named);
	if (project === undefined) {
		throw new CommandError(`There is no project ${JSON.stringify(named)}.`, EXIT.notFound, "fanfare projects list");
	}
	if (other !== undefined) {
		throw usageError(
			`Several projects have the name ${JSON.stringify(named)}. Name one by its id.`,
			"fanfare projects list",
		);
	}
	return project;
}
