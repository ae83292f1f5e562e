// Who makes a call, and on whose data: the principal, and the scope that it acts in.
import { FanfareError } from "../errors.ts";
import { secretEndDate, type ApiKey } from "./key.ts";
import type { Session } from "./session.ts";

/** The permissions that a customer's token can have besides reading. */
export const CAPABILITIES = [
	"webhooks.write",
	"secrets.rotate",
	"payloads.read",
	"deliveries.retry",
	"replay",
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** Somebody who acts for one customer of a project, with the token of a portal session. */
export interface CustomerPrincipal {
	readonly kind: "customer";
	readonly projectId: string;
	readonly customerId: string;
	readonly capabilities: readonly Capability[];
	readonly portalSessionId: string;
	/** When the session ends, unless it is revoked earlier. */
	readonly expireDate: number;
	/** Who uses the session, in the words of the product that made it; null if it has not said. */
	readonly actor: string | null;
}

/** The owner of an API key, or somebody who has signed in with one. */
export interface KeyPrincipal {
	readonly kind: "key";
	readonly key: ApiKey;
	/** The digest of the secret key that was sent: the newest one, or an earlier one that is still accepted. */
	readonly digest: Uint8Array;
	/** The session in which the call is made; null if the secret key itself was sent. */
	readonly session: Session | null;
}

/** Who makes a call: the owner of an API key, or somebody who acts for a customer. */
export type Principal = KeyPrincipal | CustomerPrincipal;

/** When a principal can't make calls any more, as far as that is known now: `Infinity` for never. */
export function accessEndDate(principal: Principal): number {
	if (principal.kind !== "key") return principal.expireDate;
	const { key, digest, session } = principal;
	return Math.min(secretEndDate(key, digest), session?.expireDate ?? Infinity);
}

/** The id of the session in which a call is made; null if it is made in none. */
export function sessionIdOf(principal: Principal | null): string | null {
	return principal?.kind === "key" ? (principal.session?.id ?? null) : null;
}

/** The id of the key that a call is made with; null if it is made with none. */
export function keyIdOf(principal: Principal | null): string | null {
	return principal?.kind === "key" ? principal.key.id : null;
}

/** The id of the portal session that a call is made with; null if it is made with none. */
export function portalSessionIdOf(principal: Principal | null): string | null {
	return principal?.kind === "customer" ? principal.portalSessionId : null;
}

/** The scope of everything in a project. */
export interface ProjectScope {
	readonly kind: "project";
	readonly projectId: string;
}

/** The scope of what belongs to one customer of a project. */
export interface CustomerScope {
	readonly kind: "customer";
	readonly projectId: string;
	readonly customerId: string;
}

/** Whether somebody may see the data of events and the responses of receivers, and not only that there are some. */
export function seesPayloads(principal: Principal | null): boolean {
	return principal?.kind !== "customer" || principal.capabilities.includes("payloads.read");
}

/**
 * The data that a call made for a principal may read and change: a whole project, or what belongs to one customer of it.
 *
 * Calls that are made for a principal take a scope in place of a project's id, and each says what both kinds mean. A call
 * that is not for customers gets the project's id from `wholeProject`. Any other takes it from `projectOf`, and must leave
 * out what `customerOf` excludes.
 */
export type Scope = ProjectScope | CustomerScope;

/** The scope of a whole project. */
export function projectScope(projectId: string): ProjectScope {
	return { kind: "project", projectId };
}

/** The scope of one customer of a project. */
export function customerScope(projectId: string, customerId: string): CustomerScope {
	return { kind: "customer", projectId, customerId };
}

/**
 * The project whose data a call may use, all of it. Throws `insufficient_scope` for the scope of a customer: the call is
 * not for customers.
 *
 * @example
 * wholeProject(projectScope("proj_ca5fe71e7592bbcf7705ea36e4f29ed4")); // "proj_ca5fe71e7592bbcf7705ea36e4f29ed4"
 */
export function wholeProject(scope: Scope): string {
	if (scope.kind === "project") return scope.projectId;
	throw notForCustomers();
}

/** The refusal of a call that customers may not make. */
export function notForCustomers(): FanfareError {
	return new FanfareError("insufficient_scope", "This call needs an API key; a customer's token can't make it.");
}

/** The project of a scope, of which a customer's scope has only a part: see `customerOf`. */
export function projectOf(scope: Scope): string {
	return scope.projectId;
}

/** The customer whose data alone the scope has; null if it has the whole project. */
export function customerOf(scope: Scope): string | null {
	return scope.kind === "customer" ? scope.customerId : null;
}

/** Whether something that belongs to this project and customer is in the scope. */
export function isInScope(
	scope: Scope,
	owned: { readonly projectId: string; readonly customerId: string | null },
): boolean {
	if (owned.projectId !== scope.projectId) return false;
	return scope.kind === "project" || owned.customerId === scope.customerId;
}

/**
 * The part of a scope that belongs to one customer; the whole scope if `customerId` is null. A scope can't be widened:
 * throws `customer_not_found` if it belongs to another customer, whether or not the wanted one exists.
 */
export function narrowed(scope: Scope, customerId: string | null): Scope {
	if (customerId === null || customerId === customerOf(scope)) return scope;
	if (scope.kind === "customer") throw customerNotFound();
	return customerScope(scope.projectId, customerId);
}

/** The same refusal for a customer that nobody knows and for one of others. */
export function customerNotFound(): FanfareError {
	return new FanfareError("customer_not_found", "There is no such customer in this project.");
}
