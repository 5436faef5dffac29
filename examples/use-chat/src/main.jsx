import { createRoot } from "react-dom/client";
import { App } from "./App.jsx";
import "./style.css";

// The chat's id is in the address: a reload, and a second tab, show the same chat.
if (location.hash.length < 2) history.replaceState(null, "", `#${crypto.randomUUID()}`);

createRoot(document.getElementById("root")).render(<App id={location.hash.slice(1)} />);
