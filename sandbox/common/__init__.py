"""What both sandboxes share: a state file, a clock, the control surface, faults on demand and the server.

A sandbox builds its Flask app in three steps::

    state = State(path, KEYS)                      # records as JSON rows, survives kill -9
    app = create_sandbox_app("erp", state, load_data, make_error)
    app.register_blueprint(api)                    # routes below /api/ are counted and get the faults

and is served by :func:`sandbox.common.server.serve`.
"""
