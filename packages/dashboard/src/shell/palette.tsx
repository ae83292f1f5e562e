// The palette behind Ctrl K: goes to a screen or a webhook, or opens anything by its id.
import { Button, Modal, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, type LinkProps } from "@tanstack/react-router";
import { useState, type KeyboardEvent } from "react";

import { Icon, type IconName } from "../parts/layout/icon.tsx";
import { addressOf } from "../parts/text/format.ts";
import { union } from "../screens/webhooks/found.ts";
import { webhookNamesQuery, type WebhookName } from "../screens/webhooks/names.ts";
import { useFoundWebhooks } from "../screens/webhooks/queries.ts";
import { projectsQuery, useConnection, useProject } from "../session/caller.ts";
import { useScreens } from "./navigation.ts";

interface Target {
	readonly key: string;
	readonly title: string;
	readonly detail: string;
	readonly icon: IconName;
	readonly link: Pick<LinkProps, "to" | "params" | "search">;
}

const SHOWN = 9;
const ASK_AFTER_MS = 200;

export function PaletteButton({ onOpen }: { readonly onOpen: () => void }) {
	return (
		<Button
			className="palette-button"
			variant="default"
			size="compact-sm"
			onClick={onOpen}
			leftSection={<Icon name="search" size={14} />}
			rightSection={<kbd className="only-wide">Ctrl K</kbd>}
		>
			<span className="unseen-phone">Search</span>
		</Button>
	);
}

interface PaletteProps {
	readonly projectId: string;
	readonly isOpen: boolean;
	readonly onClose: () => void;
}

export function Palette({ projectId, isOpen, onClose }: PaletteProps) {
	return (
		<Modal opened={isOpen} onClose={onClose} title="Search" padding="xs" yOffset="12vh">
			<PaletteBody projectId={projectId} onClose={onClose} />
		</Modal>
	);
}

function PaletteBody({ projectId, onClose }: Omit<PaletteProps, "isOpen">) {
	const [text, setText] = useState("");
	const [chosen, setChosen] = useState(0);
	const navigate = useNavigate();
	const targets = useTargets(projectId, text.trim()).slice(0, SHOWN);
	const go = (target: Target | undefined) => {
		if (target === undefined) return;
		onClose();
		void navigate(target.link);
	};
	const onKeyDown = (event: KeyboardEvent) => {
		if (event.key === "Enter") go(targets[chosen]);
		else if (event.key === "ArrowDown") setChosen(Math.min(chosen + 1, targets.length - 1));
		else if (event.key === "ArrowUp") setChosen(Math.max(chosen - 1, 0));
		else return;
		event.preventDefault();
	};
	return (
		<div>
			<TextInput
				data-autofocus
				variant="unstyled"
				px="xs"
				aria-label="Search screens and webhooks, or paste an id"
				placeholder="Search, or paste any id"
				role="combobox"
				aria-expanded
				aria-controls="palette-list"
				aria-activedescendant={targets[chosen] === undefined ? undefined : `palette-${chosen}`}
				value={text}
				onChange={({ currentTarget }) => {
					setText(currentTarget.value);
					setChosen(0);
				}}
				onKeyDown={onKeyDown}
			/>
			<div id="palette-list" role="listbox" aria-label="Results" className="palette">
				{targets.map((target, index) => (
					<div
						key={target.key}
						id={`palette-${index}`}
						role="option"
						tabIndex={-1}
						aria-selected={index === chosen}
						className="palette-item"
						onMouseEnter={() => setChosen(index)}
						onClick={() => go(target)}
						onKeyDown={onKeyDown}
					>
						<Icon name={target.icon} size={16} />
						<span className="cut">{target.title}</span>
						<span className="cut dim">{target.detail}</span>
					</div>
				))}
			</div>
			{targets.length === 0 && (
				<p className="dim palette-none">Nothing matches. An id of an event or a delivery opens it.</p>
			)}
		</div>
	);
}

function useTargets(projectId: string, text: string): readonly Target[] {
	const { data: names } = useQuery(webhookNamesQuery(useProject()));
	// What is loaded matches at once; the server also finds what is not loaded.
	const [asked] = useDebouncedValue(text, ASK_AFTER_MS);
	const { data: onServer } = useFoundWebhooks(names?.isWhole === false ? asked : "", undefined);
	const { data: projects = [] } = useQuery(projectsQuery(useConnection()));
	const shown = useScreens();
	const byId = targetOfId(projectId, text);
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
		({ id, name, endpoint }): Target => {
			const link = { to: "/$projectId/webhooks/$webhookId", params: { projectId, webhookId: id } } as const;
			return { key: id, title: name, detail: addressOf(endpoint), icon: "webhooks", link };
		},
	);
	const others = projects
		.filter(({ id, name }) => id !== projectId && text !== "" && isMatch(id, name))
		.map(({ id, name }): Target => {
			return {
				key: id,
				title: name,
				detail: "project",
				icon: "overview",
				link: { to: "/$projectId", params: { projectId: id } },
			};
		});
	// A webhook that is loaded is shown with its name.
	const isFound = found.some(({ key }) => key === byId?.key);
	return byId === null || isFound ? [...screens, ...found, ...others] : [byId, ...found, ...others];
}

/** Where an id leads; null if the text is none. */
function targetOfId(projectId: string, text: string): Target | null {
	if (/^dlv_[\w-]+$/.test(text)) {
		const link = { to: "/$projectId/deliveries/$deliveryId", params: { projectId, deliveryId: text } } as const;
		return { key: text, title: "Open the delivery", detail: text, icon: "deliveries", link };
	}
	if (/^evt_[\w-]+$/.test(text)) {
		const link = { to: "/$projectId/events/$eventId", params: { projectId, eventId: text } } as const;
		return { key: text, title: "Open the event", detail: text, icon: "events", link };
	}
	if (/^replay_[\w-]+$/.test(text)) {
		const link = { to: "/$projectId/replays/$replayId", params: { projectId, replayId: text } } as const;
		return { key: text, title: "Open the replay", detail: text, icon: "retry", link };
	}
	if (/^webhook_[\w-]+$/.test(text)) {
		const link = { to: "/$projectId/webhooks/$webhookId", params: { projectId, webhookId: text } } as const;
		return { key: text, title: "Open the webhook", detail: text, icon: "webhooks", link };
	}
	return null;
}
