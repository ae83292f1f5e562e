// What can be done with a webhook of the list, in its row.
import type { Webhook } from "@fanfare/sdk";
import { ActionIcon, Menu } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";

import { Icon } from "../../parts/layout/icon.tsx";
import type { RowChange } from "./use-row-change.ts";

const route = getRouteApi("/$projectId/webhooks");

interface RowMenuProps {
	readonly webhook: Webhook;
	readonly onEdit: (id: string) => void;
	readonly change: RowChange;
}

export function RowMenu({ webhook, onEdit, change }: RowMenuProps) {
	const navigate = route.useNavigate();
	const isOn = webhook.status === "Enabled";
	return (
		<div className="above">
			<Menu position="bottom-end">
				<Menu.Target>
					<ActionIcon
						variant="subtle"
						color="gray"
						aria-label={`Actions for ${webhook.name}`}
						loading={change.busyIds.has(webhook.id)}
					>
						<Icon name="more" />
					</ActionIcon>
				</Menu.Target>
				<Menu.Dropdown>
					<Menu.Item
						leftSection={<Icon name="send" size={16} />}
						onClick={() =>
							void navigate({ to: "/$projectId/webhooks/$webhookId", params: { webhookId: webhook.id }, search: {} })
						}
					>
						Test…
					</Menu.Item>
					<Menu.Item
						leftSection={<Icon name={isOn ? "pause" : "play"} size={16} />}
						onClick={() => change.start(webhook)}
					>
						{isOn ? "Pause" : "Resume"}
					</Menu.Item>
					<Menu.Item leftSection={<Icon name="webhooks" size={16} />} onClick={() => onEdit(webhook.id)}>
						Edit…
					</Menu.Item>
				</Menu.Dropdown>
			</Menu>
		</div>
	);
}
