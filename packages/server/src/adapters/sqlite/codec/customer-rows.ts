// Names and metadata of customers, and their portal sessions.
import type { Customer } from "../../../core/access/customer.ts";
import type { PortalSession } from "../../../core/access/portal-session.ts";
import { CAPABILITIES } from "../../../core/access/principal.ts";
import { bytes, id, json, number, orNull, record, text, type Codec } from "./columns.ts";
import { json as parsed } from "./rows.ts";

/** A row of `customers`. */
export const CUSTOMER = record<Customer>({
	projectId: id("project_id", "proj"),
	customerId: text("customer_id"),
	name: orNull(text("name")),
	metadata: json("metadata"),
	createDate: number("create_date"),
	updateDate: number("update_date"),
});

/** Only those that this program knows. */
const CAPABILITY_LIST: Codec<PortalSession["capabilities"]> = {
	...json<PortalSession["capabilities"]>("capabilities"),
	read: (row) => {
		const names = parsed<readonly string[]>(row["capabilities"]);
		return CAPABILITIES.filter((capability) => names.includes(capability));
	},
};

/** A row of `portal_sessions`. */
export const PORTAL_SESSION = record<PortalSession>({
	id: id("id", "portal"),
	projectId: id("project_id", "proj"),
	customerId: text("customer_id"),
	keyId: orNull(id("key_id", "key")),
	capabilities: CAPABILITY_LIST,
	actor: orNull(text("actor")),
	returnUrl: orNull(text("return_url")),
	theme: orNull(json("theme")),
	locale: orNull(text("locale")),
	digest: bytes("digest"),
	createDate: number("create_date"),
	expireDate: number("expire_date"),
});
