// Profiles: the servers and keys that a person works with, in a file that only they can read.
import { COLORS, type Color } from "../text/style.ts";
import { CommandError, EXIT, usageError } from "./failure.ts";
import { configFile, readPrivateFile, writePrivateFile } from "./private-file.ts";

/** One server, with the key to use there. */
export interface Profile {
	readonly url: string;
	readonly key: string;
	/** The project to use if none is named; null for none. */
	readonly projectId: string | null;
	readonly color: Color | null;
	/** Whether commands ask before they change something. */
	readonly isProduction: boolean;
}

/** All profiles of a person. */
export interface Profiles {
	/** The name of the profile that is used if none is named; null if there is none. */
	readonly current: string | null;
	readonly profiles: Readonly<Record<string, Profile>>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const NONE: Profiles = { current: null, profiles: {} };

/** The file with the profiles: in `FANFARE_CONFIG_DIR`, or the platform's folder for configuration. */
export function profilesFile(env: NodeJS.ProcessEnv = process.env): string {
	return configFile("profiles.json", env);
}

/** Reads the profiles. Throws if the file is damaged, or if others can read it. */
export function readProfiles(file = profilesFile()): Profiles {
	const text = readPrivateFile(file, "keys");
	if (text === null) return NONE;
	const profiles = parsed(text);
	if (profiles === null) {
		const message = `The file ${file} is damaged: it must have profiles as \`fanfare login\` writes them. Remove it to begin anew.`;
		throw new CommandError(message, EXIT.failed, "fanfare login");
	}
	return profiles;
}

/** Writes the profiles: whole or not at all, and for nobody else to read. */
export function writeProfiles(profiles: Profiles, file = profilesFile()): void {
	writePrivateFile(file, "profiles", `${JSON.stringify(profiles, null, 2)}\n`);
}

/** Checks the name of a profile. */
export function checkProfileName(name: string): string {
	if (NAME.test(name)) return name;
	throw usageError(
		`A profile's name must have 1–64 letters, digits, dots, underscores and hyphens, and begin with a letter or a digit; got ${JSON.stringify(name)}.`,
	);
}

/** The profile of this name. Throws if there is none. */
export function namedProfile({ profiles }: Profiles, name: string): Profile {
	const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
	if (profile !== undefined) return profile;
	const names = Object.keys(profiles);
	const known = names.length === 0 ? "There is none yet." : `There are: ${names.join(", ")}.`;
	throw new CommandError(
		`There is no profile ${JSON.stringify(name)}. ${known}`,
		EXIT.notFound,
		names.length === 0 ? "fanfare login" : "fanfare use",
	);
}

function parsed(text: string): Profiles | null {
	try {
		const { current, profiles } = JSON.parse(text) as Partial<Profiles>;
		const isValid =
			(current === null || typeof current === "string") &&
			typeof profiles === "object" &&
			profiles !== null &&
			Object.values(profiles).every(isProfile);
		return isValid ? { current, profiles } : null;
	} catch {
		return null;
	}
}

function isProfile(profile: Partial<Profile> | null): boolean {
	const { url, key, projectId, color, isProduction } = profile ?? {};
	return (
		typeof url === "string" &&
		typeof key === "string" &&
		(projectId === null || typeof projectId === "string") &&
		(color === null || COLORS.some((known) => known === color)) &&
		typeof isProduction === "boolean"
	);
}
