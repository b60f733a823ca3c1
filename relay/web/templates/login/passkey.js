"use strict";
// Asks the browser for a passkey when the form is sent, and sends what the device answered. The form stands hidden until here.
(() => {
  const form = document.getElementById("passkey");
  if (!form || !window.PublicKeyCredential || !navigator.credentials) return;
  const octets = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const spelled = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const make = "make" in form.dataset;
  const read = () => {
    const options = JSON.parse(form.dataset.options);
    options.challenge = octets(options.challenge);
    if (make) {
      options.user.id = octets(options.user.id);
      for (const one of options.excludeCredentials) one.id = octets(one.id);
    }
    return options;
  };
  const written = (found) => {
    const response = { clientDataJSON: spelled(found.response.clientDataJSON) };
    if (make) {
      response.attestationObject = spelled(found.response.attestationObject);
      response.transports = found.response.getTransports ? found.response.getTransports() : [];
    } else {
      response.authenticatorData = spelled(found.response.authenticatorData);
      response.signature = spelled(found.response.signature);
      response.userHandle = found.response.userHandle ? spelled(found.response.userHandle) : null;
    }
    return JSON.stringify({ id: found.id, rawId: spelled(found.rawId), type: found.type, response });
  };
  const faults = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "known", SecurityError: "elsewhere" };
  const tell = (word) => {
    for (const one of form.querySelectorAll("[data-fault]")) one.hidden = one.dataset.fault !== word;
  };
  let busy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    tell("");
    try {
      const publicKey = read();
      const found = await (make ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
      form.elements.answer.value = written(found);
      form.submit();
    } catch (error) {
      tell(faults[error.name] || "unable");
    }
    busy = false;
  });
  form.hidden = false;
})();
