// The corner of every screen: what is under way in this tab, what has failed, and short messages.
import { LateFailures } from "../parts/feedback/late-failures.tsx";
import { Toasts } from "../parts/feedback/toasts.tsx";
import { ChangeNotices } from "../screens/deliveries/bulk/change-notices.tsx";

export function Corner() {
	return (
		<div className="corner">
			<ChangeNotices />
			<LateFailures />
			<Toasts />
		</div>
	);
}
