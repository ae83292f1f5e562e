// The workspace: a call that is also a cheap way to check a key, and its status for those who operate it.
import { json, keyOrCustomerWith, keyWith, route, workspaceKeyWith } from "../../request/route.ts";
import { presentStatus, presentWorkspace } from "./present.ts";
import { egressAddressesSchema, workspaceSchema, workspaceStatusSchema } from "./schemas.ts";

export const workspaceRoutes = [
	route({
		id: "getWorkspace",
		tag: "Workspace",
		method: "get",
		path: "/workspace",
		access: keyWith("read"),
		summary: "Get the workspace",
		description: "Any key may make this call, also a key of one project. It is a cheap way to check a key.",
		answers: { 200: { description: "The workspace.", schema: workspaceSchema } },
		handle: ({ deps }) => json(presentWorkspace(deps.engine.workspace)),
	}),
	route({
		id: "getWorkspaceStatus",
		tag: "Workspace",
		method: "get",
		path: "/workspace/status",
		access: workspaceKeyWith("read"),
		summary: "Get the status of the server",
		description:
			"What the server is doing, how much room it has, how its database is, which processes share that, and warnings with what to do about them. For people and dashboards: monitoring has " +
			"`GET /metrics`. It responds also while the store fails: then what only the store knows is null.",
		answers: { 200: { description: "The status.", schema: workspaceStatusSchema } },
		handle: async ({ deps }) => {
			const [status, server] = await Promise.all([deps.engine.status(), deps.serverStatus()]);
			return json(presentStatus(status, server, deps));
		},
	}),
	route({
		id: "getEgressAddresses",
		tag: "Workspace",
		method: "get",
		path: "/workspace/egress-addresses",
		access: keyOrCustomerWith("read", "read"),
		summary: "Get the addresses that attempts come from",
		description:
			"For receivers behind a firewall that lets in only what it knows. Any caller may make this call, also a customer. The list is what the " +
			"operator has set in `FANFARE_EGRESS_ADDRESSES`. The signature of a request proves where it comes from, not its address.",
		answers: { 200: { description: "The addresses.", schema: egressAddressesSchema } },
		handle: ({ deps }) => json({ object: "egressAddresses", addresses: deps.egressAddresses }),
	}),
];
