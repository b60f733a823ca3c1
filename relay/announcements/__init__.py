"""What the operator announces to tenants: planned work a day ahead, and notices (R35).

Enters: words of staff, from when until when, and for whom. Leaves: letters to tenants' contacts, and
what their pages and the API show while it lasts. It stops nothing by itself.
"""
