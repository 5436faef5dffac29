import { createRoot } from "react-dom/client";
import { App } from "./App.jsx";
import "./style.css";

// The chat's id is in the address: a reload, and a second tab, show the same chat. `crypto.randomUUID` would be missing on a
// page that comes from another machine over http.
const newId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
if (location.hash.length < 2) history.replaceState(null, "", `#${newId()}`);

createRoot(document.getElementById("root")).render(<App id={location.hash.slice(1)} />);
