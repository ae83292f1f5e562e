// The settings of a server that keeps its data in a database, alone or with others.
import { ROLES, type Role } from "../ports/membership.ts";
import { parseBoolean, parseDatabaseUrl, parseNatsCredentials, parseNatsPrefix, parseNatsUrls } from "./parse.ts";
import { setting } from "./setting.ts";

export const CLUSTER_SETTINGS = {
	databaseUrl: setting(parseDatabaseUrl, null, {
		expected:
			"a URL such as postgres://fanfare:password@db.example:5432/fanfare, with a user, one host and a database, and an sslmode of disable, require, verify-full or no-verify if it has one",
		meaning:
			"A PostgreSQL database for events, deliveries and keys, instead of the data directory, which is not used then. " +
			"`FANFARE_MASTER_KEY` is needed, and at the first start `FANFARE_ADMIN_KEY`. See docs/postgres.md for the role and TLS.",
		defaultText: "none: the data directory is used",
		example: "postgres://fanfare:password@db.example/fanfare?sslmode=verify-full",
		isSecret: true,
	}),
	expectStandby: setting(parseBoolean, false, {
		expected: "true or false",
		meaning:
			"Whether commits of the database are to wait for a synchronous standby. If none is named, `/metrics` says so, for the alert FanfareStandbyMissing. " +
			"It changes nothing else: see docs/postgres.md for how a standby is named.",
		defaultText: "`false`",
		example: "true",
	}),
	role: setting<Role, Role>((text) => ROLES.find((role) => role === text), "all", {
		expected: `one of ${ROLES.join(", ")}`,
		meaning:
			"What this process does, if several share a database: `api` answers calls and accepts sends, and delivers nothing; `worker` delivers, " +
			"and answers only `/healthz`, `/readyz` and `/metrics`; `all` does both. See docs/postgres.md.",
		defaultText: "`all`",
		example: "worker",
	}),
	natsUrl: setting<readonly string[], null>(parseNatsUrls, null, {
		expected:
			"a URL such as nats://fanfare:password@nats.example:4222, or several of the same cluster, separated by commas, all with the same user info, " +
			"and all with nats:// or all with tls:// (and then by name, not by address)",
		meaning:
			"The NATS servers by which several processes on one database tell each other at once what they otherwise find by looking: deliveries " +
			"for each other, and changes. The user info is a user with a password, or a token. `FANFARE_DATABASE_URL` is needed. See docs/nats.md.",
		defaultText: "none: they look into the database some times a second",
		example: "tls://nats-1.example:4222,tls://nats-2.example:4222",
		isSecret: true,
	}),
	natsCredentials: setting(parseNatsCredentials, null, {
		expected: "the content of a credentials file of NATS, with a user JWT and a seed",
		meaning:
			"The credentials for NATS, if it uses JWTs: usually `FANFARE_NATS_CREDENTIALS_FILE` names the file. `FANFARE_NATS_URL` is needed.",
		defaultText: "none",
		example: "-----BEGIN NATS USER JWT-----…-----BEGIN USER NKEY SEED-----…",
		isSecret: true,
	}),
	natsPrefix: setting(parseNatsPrefix, "fanfare", {
		expected: "up to 64 characters of A–Z a–z 0–9 - _ and dots between them",
		meaning:
			"What the subjects begin with. Processes that share a database need the same; those of another database that use the same NATS should " +
			"have another one.",
		defaultText: "`fanfare`",
		example: "shop.production",
	}),
};
