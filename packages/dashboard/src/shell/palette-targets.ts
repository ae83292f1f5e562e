// Where the palette leads for a text: screens, webhooks, customers and projects by name, and anything by its id.
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import type { LinkProps } from "@tanstack/react-router";

import type { IconName } from "../parts/layout/icon.tsx";
import { addressOf } from "../parts/text/format.ts";
import { union } from "../screens/webhooks/found.ts";
import { webhookNamesQuery, type WebhookName } from "../screens/webhooks/names.ts";
import { useFoundWebhooks } from "../screens/webhooks/queries.ts";
import { projectsQuery, useConnection, useProject } from "../session/caller.ts";
import { useIsWorkspaceAdmin } from "../session/workspace.ts";
import { useScreens } from "./navigation.ts";

export interface Target {
	readonly key: string;
	readonly title: string;
	readonly detail: string;
	readonly icon: IconName;
	readonly link: Pick<LinkProps, "to" | "params" | "search">;
}

const MOST_CUSTOMERS = 5;
/** Of an id or a name of a customer. */
const MOST_CHARACTERS = 128;
const ASK_AFTER_MS = 200;
/** Webhooks before the customers. */
const MOST_BEFORE = 5;

export function useTargets(projectId: string, text: string): readonly Target[] {
	const { data: names } = useQuery(webhookNamesQuery(useProject()));
	// What is loaded matches at once; the server also finds what is not loaded.
	const [asked] = useDebouncedValue(text, ASK_AFTER_MS);
	const { data: onServer } = useFoundWebhooks(names?.isWhole === false ? asked : "", undefined);
	const { data: projects = [] } = useQuery(projectsQuery(useConnection()));
	const shown = useScreens();
	const mayManage = useIsWorkspaceAdmin();
	const relay = useRelayTarget(projectId, text);
	const customers = useCustomerTargets(projectId, text);
	const byId = relay ?? targetOfId(projectId, text, mayManage);
	const lower = text.toLowerCase();
	const isMatch = (...texts: readonly string[]) => texts.some((one) => one.toLowerCase().includes(lower));
	const screens = shown
		.filter(({ title }) => isMatch(title))
		.map(({ to, title, icon, key }): Target => {
			return { key: to, title, detail: `g ${key}`, icon, link: { to, params: { projectId } } };
		});
	const loaded = (names?.names ?? []).filter(({ id, name, endpoint, customerId = "" }) =>
		isMatch(id, name, endpoint, customerId),
	);
	const found = union<WebhookName>(loaded, (asked === text ? onServer?.webhooks : undefined) ?? []).map(
		({ id, name, endpoint }) => webhookTarget(projectId, id, name, addressOf(endpoint)),
	);
	const others = projects
		.filter(({ id, name }) => id !== projectId && text !== "" && isMatch(id, name))
		.map(({ id, name }): Target => {
			const link = { to: "/$projectId", params: { projectId: id } } as const;
			return { key: id, title: name, detail: "project", icon: "overview", link };
		});
	// A webhook that is loaded is shown with its name.
	const isFound = found.some(({ key }) => key === byId?.key);
	const first = byId === null || isFound ? screens : [byId];
	// A customer may have many webhooks, which would leave no room.
	return [...first, ...found.slice(0, MOST_BEFORE), ...customers, ...found.slice(MOST_BEFORE), ...others];
}

/** Customers by a part of their id or name. The server is asked, since there may be many. */
function useCustomerTargets(projectId: string, text: string): readonly Target[] {
	const project = useProject();
	const [asked] = useDebouncedValue(text, ASK_AFTER_MS);
	const { data = [] } = useQuery({
		queryKey: ["project", projectId, "palette-customers", asked],
		queryFn: async ({ signal }) => (await project.customers.list({ q: asked, limit: MOST_CUSTOMERS }, { signal })).data,
		enabled: asked !== "" && asked.length <= MOST_CHARACTERS,
	});
	// Those of what was typed before are not offered: Enter may come at once.
	if (asked !== text) return [];
	return data.map(({ id, name }): Target => {
		const link = { to: "/$projectId/customers/$customerId", params: { projectId, customerId: id } } as const;
		return { key: `customer ${id}`, title: name ?? id, detail: `customer ${id}`, icon: "user", link };
	});
}

/** A relay is a webhook, which its id does not name. */
function useRelayTarget(projectId: string, text: string): Target | null {
	const project = useProject();
	const isId = /^relay_[\w-]+$/.test(text);
	const { data: relay } = useQuery({
		queryKey: ["project", projectId, "palette-relay", text],
		queryFn: ({ signal }) => project.relays.get(text, { signal }),
		enabled: isId,
	});
	return isId && relay !== undefined ? webhookTarget(projectId, relay.webhookId, relay.name, "relay") : null;
}

function webhookTarget(projectId: string, webhookId: string, title: string, detail: string): Target {
	const link = { to: "/$projectId/webhooks/$webhookId", params: { projectId, webhookId } } as const;
	return { key: webhookId, title, detail, icon: "webhooks", link };
}

/** Where an id leads by what it begins with; null if the text is none. */
function targetOfId(projectId: string, text: string, mayManage: boolean): Target | null {
	if (!/^[a-z]+_[\w-]+$/.test(text)) return null;
	const target = (title: string, icon: IconName, link: Target["link"]) => ({
		key: text,
		title,
		detail: text,
		icon,
		link,
	});
	switch (text.slice(0, text.indexOf("_"))) {
		case "dlv": {
			const link = { to: "/$projectId/deliveries/$deliveryId", params: { projectId, deliveryId: text } } as const;
			return target("Open the delivery", "deliveries", link);
		}
		case "evt": {
			const link = { to: "/$projectId/events/$eventId", params: { projectId, eventId: text } } as const;
			return target("Open the event", "events", link);
		}
		case "replay": {
			const link = { to: "/$projectId/replays/$replayId", params: { projectId, replayId: text } } as const;
			return target("Open the replay", "retry", link);
		}
		case "webhook":
			return webhookTarget(projectId, text, "Open the webhook", text);
		case "key": {
			const link = { to: "/$projectId/keys", params: { projectId }, search: { q: text } } as const;
			return mayManage ? target("See the key", "key", link) : null;
		}
		default:
			return null;
	}
}
