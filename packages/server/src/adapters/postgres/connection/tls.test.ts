// Connections with TLS: what is checked with each `sslmode`, against a server whose certificate an authority of this test has signed.
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
	postgresIssue,
	startOwnPostgres,
	type PostgresCluster,
	type PostgresServer,
} from "@fanfare/testkit/programs/postgres";
import { TemporaryDir } from "@fanfare/testkit/temporary-dir";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { systemClock } from "../../system/system-clock.ts";
import { Database } from "./database.ts";

/** The role of Fanfare in the tests' databases, for the name in a client's certificate. */
const ROLE = "fanfare_app";
/** The name in the server's certificate. The address 127.0.0.1 is not in it. */
const HOST = "localhost";

/** Certificates in a folder: `NAME.pem` and `NAME.key`. */
class Certificates {
	readonly #dir: TemporaryDir;

	constructor(dir: TemporaryDir) {
		this.#dir = dir;
	}

	pem(name: string): string {
		return this.#dir.join(`${name}.pem`);
	}

	key(name: string): string {
		return this.#dir.join(`${name}.key`);
	}

	makeAuthority(name: string): void {
		this.#openssl("req", "-x509", ...this.#newKey(name, `/CN=${name}`), "-days", "2", "-out", this.pem(name));
	}

	/** A certificate that an authority has signed. `usage` is its extension, such as the names of a server. */
	make(
		name: string,
		authority: string,
		{ subject, usage }: { readonly subject: string; readonly usage: string },
	): void {
		const [request, extensions] = [this.#dir.join(`${name}.csr`), this.#dir.join(`${name}.ext`)];
		writeFileSync(extensions, `${usage}\n`);
		this.#openssl("req", ...this.#newKey(name, `/CN=${subject}`), "-out", request);
		const signer = ["-CA", this.pem(authority), "-CAkey", this.key(authority), "-CAcreateserial"];
		const result = ["-days", "2", "-extfile", extensions, "-out", this.pem(name)];
		this.#openssl("x509", "-req", "-in", request, ...signer, ...result);
	}

	#newKey(name: string, subject: string): string[] {
		// Keys of RSA take longer to make.
		const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
		return [...kind, "-nodes", "-subj", subject, "-keyout", this.key(name)];
	}

	#openssl(...args: readonly string[]): void {
		execFileSync("openssl", args, { stdio: "pipe" });
	}
}

/** Has the server offer TLS, and ask for a client's certificate in the database `certified`. */
async function turnOnTls(cluster: PostgresCluster, certificates: Certificates): Promise<void> {
	const { uid, gid } = statSync(cluster.dataDir);
	for (const [from, name] of [
		[certificates.pem("server"), "server.crt"],
		[certificates.key("server"), "server.key"],
		[certificates.pem("authority"), "clients.crt"],
	] as const) {
		const path = join(cluster.dataDir, name);
		copyFileSync(from, path);
		chmodSync(path, 0o600);
		chownSync(path, uid, gid);
	}
	const rules = [
		"host all fanfare_tests all trust",
		"hostssl certified all all cert",
		"hostnossl certified all all reject",
		"host all all all trust",
	];
	writeFileSync(join(cluster.dataDir, "pg_hba.conf"), `${rules.join("\n")}\n`);
	await cluster.stop();
	await cluster.start(["ssl = on", "ssl_ca_file = clients.crt"]);
}

describe.skipIf(postgresIssue() !== null)("a connection to PostgreSQL by TLS", () => {
	let server: PostgresServer;
	let url: URL;
	const dir = new TemporaryDir();
	const certificates = new Certificates(dir);
	beforeAll(async () => {
		for (const name of ["authority", "stranger"]) certificates.makeAuthority(name);
		certificates.make("server", "authority", { subject: HOST, usage: `subjectAltName = DNS:${HOST}` });
		for (const [name, authority] of [
			["client", "authority"],
			["forged", "stranger"],
		] as const) {
			certificates.make(name, authority, { subject: ROLE, usage: "extendedKeyUsage = clientAuth" });
		}
		const own = await startOwnPostgres();
		({ server } = own);
		url = new URL(await server.createDatabase());
		await server.query("CREATE DATABASE certified");
		await turnOnTls(own.cluster, certificates);
	});
	afterAll(async () => {
		await server[Symbol.asyncDispose]();
		dir[Symbol.dispose]();
	});

	/** Connects, and returns what the server says of the connection: null without TLS, or else its version and the name in the client's certificate. */
	async function connect(query: Readonly<Record<string, string>>, { host = HOST, name = url.pathname } = {}) {
		const to = new URL(url);
		to.hostname = host;
		to.pathname = name;
		for (const [parameter, value] of Object.entries(query)) to.searchParams.set(parameter, value);
		const database = new Database({ url: to.href, clock: systemClock });
		try {
			const [row] = await database.read((session) =>
				session.query("SELECT ssl, client_dn AS client FROM pg_stat_ssl WHERE pid = pg_backend_pid()"),
			);
			return row?.["ssl"] === true ? { client: row["client"] } : null;
		} finally {
			await database.close();
		}
	}
	const refused = (reason: RegExp) =>
		expect.objectContaining({
			name: "StoreError",
			code: "store_unavailable",
			message: expect.stringMatching(reason) as string,
		}) as Error;
	const known = () => ({ sslrootcert: certificates.pem("authority") });

	it.each(["require", "verify-ca", "verify-full"])(
		"with sslmode=%s needs the right authority and the right name",
		async (sslmode) => {
			expect(await connect({ sslmode, ...known() })).toEqual({ client: null });
			// The system's authorities have not signed it.
			await expect(connect({ sslmode })).rejects.toEqual(refused(/cannot be reached: .*certificate/));
			const stranger = connect({ sslmode, sslrootcert: certificates.pem("stranger") });
			await expect(stranger).rejects.toEqual(refused(/cannot be reached: .*certificate/));
			const byAddress = connect({ sslmode, ...known() }, { host: "127.0.0.1" });
			await expect(byAddress).rejects.toEqual(refused(/does not match certificate's altnames/));
		},
	);

	it("is made with an authority although no sslmode is given, and checks as much", async () => {
		expect(await connect(known())).toEqual({ client: null });
		await expect(connect({ sslrootcert: certificates.pem("stranger") })).rejects.toEqual(refused(/certificate/));
	});

	it("with sslmode=no-verify is encrypted, and checks nothing", async () => {
		expect(await connect({ sslmode: "no-verify" })).toEqual({ client: null });
		expect(await connect({ sslmode: "no-verify" }, { host: "127.0.0.1" })).toEqual({ client: null });
	});

	it("is not made with sslmode=disable, and without any setting of TLS", async () => {
		expect(await connect({ sslmode: "disable" })).toBeNull();
		expect(await connect({})).toBeNull();
	});

	it("shows the client's certificate where the server asks for one", async () => {
		const to = { name: "/certified" };
		const own = (name: string) => ({ sslcert: certificates.pem(name), sslkey: certificates.key(name) });
		const mode = { sslmode: "verify-full", ...known() };
		expect(await connect({ ...mode, ...own("client") }, to)).toEqual({ client: `/CN=${ROLE}` });
		await expect(connect(mode, to)).rejects.toEqual(refused(/requires a valid client certificate/));
		await expect(connect({ ...mode, ...own("forged") }, to)).rejects.toEqual(refused(/./));
		await expect(connect({}, to)).rejects.toEqual(refused(/pg_hba.conf/));
	});
});
