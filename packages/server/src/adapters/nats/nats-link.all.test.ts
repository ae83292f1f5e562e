// The connection to NATS with a user of JWTs, as a credentials file has it.
import { eventually } from "@fanfare/testkit/eventually";
import { natsIssue, startNats } from "@fanfare/testkit/programs/nats";
import { nkeys } from "@nats-io/transport-node";
import { expect, it } from "vitest";

import { systemClock } from "../system/system-clock.ts";
import { NatsLink } from "./nats-link.ts";

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** A JWT of NATS, in which `issuer` says something about `subject`. */
function jwt(issuer: KeyPair, subject: KeyPair, facts: object): string {
	const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
	const claims = {
		jti: "x",
		iat: 1_700_000_000,
		iss: issuer.getPublicKey(),
		sub: subject.getPublicKey(),
		name: "test",
	};
	const signed = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode({ ...claims, nats: { version: 2, ...facts } })}`;
	return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString("base64url")}`;
}

function credentialsOf(user: KeyPair, userJwt: string): string {
	const seed = Buffer.from(user.getSeed()).toString();
	const part = (name: string, text: string) => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`;
	return `${part("NATS USER JWT", userJwt)}\n${part("USER NKEY SEED", seed)}`;
}

it.skipIf(natsIssue() !== null)("signs in with a credentials file, and not with one of somebody else", async () => {
	const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
	const limits = { subs: -1, data: -1, payload: -1 };
	const accountJwt = jwt(operator, account, {
		type: "account",
		limits: { ...limits, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
	});
	await using nats = await startNats({
		users: [
			`operator = ${jwt(operator, operator, { type: "operator" })}`,
			"resolver = MEMORY",
			`resolver_preload = { ${account.getPublicKey()}: ${accountJwt} }`,
		],
	});
	const url = new URL(nats.url);
	const signIn = async (issuer: KeyPair) => {
		const told: string[] = [];
		const link = new NatsLink(
			{
				servers: [`nats://${url.host}`],
				credentials: credentialsOf(user, jwt(issuer, user, { type: "user", ...limits })),
				name: "test",
			},
			{
				clock: systemClock,
				changed: (isConnected, reason) => told.push(isConnected ? "connected" : String(reason)),
				refused() {},
			},
		);
		link.open();
		await eventually("an answer", () => told.length > 0);
		await link.close();
		return told[0];
	};
	expect(await signIn(account)).toBe("connected");
	expect(await signIn(nkeys.createAccount())).toMatch(/Authorization Violation/i);
});
