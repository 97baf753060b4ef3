import { messageOf } from "@fettle/shared/lib/errors.ts";
import { DBusError } from "@jellybrick/dbus-next";
import { UnitError } from "../../units.ts";

/** Replies of the bus that stand for systemd's silence. */
const SILENCE = ["NoReply", "ServiceUnknown", "NameHasNoOwner", "Disconnected", "Timeout", "TimedOut"];

/** What a failed call says about a unit. */
export function unitError(unit: string, cause: unknown): UnitError {
  if (cause instanceof UnitError) return new UnitError(cause.code, unit, cause.reason, { cause });
  if (!(cause instanceof DBusError)) return new UnitError("away", unit, messageOf(cause), { cause });
  const reason = cause.type.slice(cause.type.lastIndexOf(".") + 1);
  return new UnitError(SILENCE.includes(reason) ? "away" : "refused", unit, reason, { cause });
}
