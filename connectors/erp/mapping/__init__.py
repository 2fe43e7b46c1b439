"""Between the ERP's records and entities: paths, templates, typed values, fields, stamps."""
