// Says why nothing can be changed, if the key may only read.
import { Tooltip } from "@mantine/core";
import { useClickOutside } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState, type PointerEvent } from "react";

import { callerQuery, useConnection } from "../session/caller.ts";

export function ReadOnlySign() {
	const { data: caller } = useQuery(callerQuery(useConnection()));
	return caller?.scope === "read" ? <Sign keyName={caller.name ?? ""} /> : null;
}

/** The reason is shown under a mouse, with the focus, and after a tap: a phone has no pointer to rest on it. */
function Sign({ keyName }: { readonly keyName: string }) {
	const [isOpen, setOpen] = useState(false);
	const sign = useClickOutside<HTMLButtonElement>(() => setOpen(false));
	const byMouse = (isNowOpen: boolean) => (event: PointerEvent) => {
		if (event.pointerType === "mouse") setOpen(isNowOpen);
	};
	return (
		<Tooltip
			opened={isOpen}
			label={`The key “${keyName}” may only read. Changes need a key with the scope write.`}
			multiline
			w="16rem"
			// In the landmark of the sign.
			withinPortal={false}
		>
			<button
				ref={sign}
				type="button"
				className="live"
				onPointerEnter={byMouse(true)}
				onPointerLeave={byMouse(false)}
				onFocus={() => setOpen(true)}
				onBlur={() => setOpen(false)}
				onClick={() => setOpen(true)}
				onKeyDown={({ key }) => key === "Escape" && setOpen(false)}
			>
				Read only
			</button>
		</Tooltip>
	);
}
