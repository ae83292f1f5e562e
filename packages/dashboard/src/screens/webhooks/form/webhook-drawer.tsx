// The drawer to create or edit a webhook. Whether it is open is in the address.
import type { Webhook } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { FieldsShape } from "../../../parts/feedback/skeletons.tsx";
import { closingAt, type Stage } from "../../../parts/feedback/stage.ts";
import { useFocusBack } from "../../../parts/feedback/use-focus-back.ts";
import { Dialog } from "../../../parts/layout/dialog.tsx";
import { lazyPart, Part } from "../../../parts/layout/part.tsx";

const body = lazyPart("webhook-drawer", async () => (await import("./drawer-body.tsx")).DrawerBody);

interface WebhookDrawerProps {
	/** `new` or the webhook to edit; null while it is closed. */
	readonly subject: "new" | Webhook | null;
	readonly onClose: () => void;
}

export function WebhookDrawer({ subject, onClose }: WebhookDrawerProps) {
	useFocusBack(subject !== null, { isInAddress: true });
	// While it is closed: nobody waits for it then.
	useQuery(body);
	const [stage, setStage] = useState<Stage>("asking");
	return (
		<Dialog
			side="right"
			isOpen={subject !== null}
			onClose={onClose}
			width="34rem"
			title={subject === "new" ? "Add a webhook" : "Edit the webhook"}
			{...closingAt(stage)}
		>
			{subject !== null && (
				<Part of={body} props={{ subject, onStage: setStage, onClose }} label="the form">
					<FieldsShape fields={4} />
				</Part>
			)}
		</Dialog>
	);
}
