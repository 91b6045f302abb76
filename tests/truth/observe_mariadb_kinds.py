#!/usr/bin/env python3
"""Cases of kinds that mariadb.json and mariadb_further.json lack, on their schema, written before anybody looked at
what we say of them; observed by observe_mariadb.py with its arguments; writes mariadb_kinds.json.

usage: observe_mariadb_kinds.py --socket SOCKET [--user root]
"""
import os
import sys

import observe_mariadb as observer

observer.CASES.clear()
case = observer.case

# --- columns: types nobody tried, several parts, parts that undo each other
case("add_timestamp_after", "add-column-volatile-default", "ALTER TABLE book ADD COLUMN seen TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP AFTER title")
case("add_enum_default", "add-column-default", "ALTER TABLE book ADD COLUMN cover ENUM('soft','hard') NOT NULL DEFAULT 'soft'")
case("add_inet6", "add-column", "ALTER TABLE book ADD COLUMN seen_from INET6")
case("add_bit", "add-column-default", "ALTER TABLE book ADD COLUMN bits BIT(8) NOT NULL DEFAULT b'0'")
case("add_drop_same_name", "drop-column", "ALTER TABLE book DROP COLUMN spare, ADD COLUMN spare INT")
case("add_and_drop_primary", "primary-key", "ALTER TABLE wide4 ADD COLUMN nr INT NOT NULL AUTO_INCREMENT FIRST, DROP PRIMARY KEY, ADD PRIMARY KEY (nr)")
case("add_unique_and_not_null", "add-column-unique", "ALTER TABLE hollow ADD COLUMN slug VARCHAR(20) NOT NULL UNIQUE")
case("add_without_versioning", "add-column", "ALTER TABLE log ADD COLUMN note VARCHAR(20) WITHOUT SYSTEM VERSIONING")
case("change_name_and_not_null", "set-not-null", "ALTER TABLE book CHANGE title heading VARCHAR(50) NOT NULL")
case("change_name_and_position", "rename-column", "ALTER TABLE book CHANGE spare reserve VARCHAR(10) FIRST")
case("change_name_and_default", "rename-column", "ALTER TABLE book CHANGE spare reserve VARCHAR(10) DEFAULT 'x'")
case("modify_unique_inline", "add-unique", "ALTER TABLE book MODIFY code CHAR(8) UNIQUE")
case("text_to_mediumtext", "alter-type-widen", "ALTER TABLE book MODIFY blurb MEDIUMTEXT")
case("varchar_to_mediumtext", "alter-type-widen", "ALTER TABLE book MODIFY subtitle MEDIUMTEXT")
case("text_to_varchar_fits", "alter-type-narrow", "ALTER TABLE book MODIFY blurb VARCHAR(200)")
case("char_to_text", "alter-type", "ALTER TABLE book MODIFY code TEXT")
case("int_to_mediumint", "alter-type-narrow", "ALTER TABLE book MODIFY pages MEDIUMINT")
case("tinyint_display_width", "alter-type", "ALTER TABLE doc MODIFY bits TINYINT(4)")
case("double_to_float", "alter-type-narrow", "ALTER TABLE wide_numbers MODIFY d FLOAT", setup=["CREATE TABLE wide_numbers (id INT PRIMARY KEY, d DOUBLE)", "INSERT INTO wide_numbers VALUES (1, 1.23456789012345)"])
case("datetime_to_milliseconds", "alter-type-widen", "ALTER TABLE book MODIFY bought DATETIME(3)")
case("microseconds_to_datetime", "alter-type-narrow", "ALTER TABLE fine_times MODIFY t DATETIME", setup=["CREATE TABLE fine_times (id INT PRIMARY KEY, t DATETIME(6))", "INSERT INTO fine_times VALUES (1, '2024-01-01 10:00:00.123456')"])
case("decimal_to_bigint", "alter-type-narrow", "ALTER TABLE book MODIFY cost BIGINT")
case("varchar_to_date_unfit", "fails", "ALTER TABLE book MODIFY spare DATE")
case("enum_to_set", "alter-type", "ALTER TABLE book MODIFY grade SET('good','worn','lost')")
case("enum_to_tinyint", "alter-type", "ALTER TABLE book MODIFY grade TINYINT")
case("modify_compressed", "alter-type", "ALTER TABLE book MODIFY blurb TEXT COMPRESSED")
case("modify_two_not_null", "set-not-null", "ALTER TABLE book MODIFY title VARCHAR(50) NOT NULL, MODIFY pages INT NOT NULL")
case("alter_drop_default_not_null", "alter-default", "ALTER TABLE book ALTER flag DROP DEFAULT")
case("rename_two_columns_swap", "rename-column", "ALTER TABLE bare RENAME COLUMN a TO c, RENAME COLUMN c TO a")
# --- keys
case("drop_fk_and_its_index", "drop-constraint", "ALTER TABLE loan DROP FOREIGN KEY loan_book_fk, DROP INDEX loan_book")
case("add_fk_set_null_on_not_null", "fails", "ALTER TABLE loan ADD CONSTRAINT l2 FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE SET NULL")
case("add_fk_swap_action", "add-fk", "ALTER TABLE loan DROP FOREIGN KEY loan_book_fk, ADD CONSTRAINT loan_book_fk2 FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE")
case("add_unique_prefix", "add-unique", "ALTER TABLE wide4 ADD UNIQUE KEY wide4_start (name(1))")
case("add_index_three_columns", "create-index", "CREATE INDEX book_many ON book (grade, stars DESC, title(10))")
case("add_primary_and_drop_unique", "primary-key", "ALTER TABLE hollow DROP PRIMARY KEY, ADD PRIMARY KEY (id, b)")
case("drop_two_indexes", "drop-index", "ALTER TABLE book DROP INDEX book_pages, DROP INDEX book_title")
case("add_check_and_drop_check", "add-check", "ALTER TABLE price DROP CONSTRAINT price_floor, ADD CONSTRAINT price_floor CHECK (floor_price > -1)")
case("add_check_no_checks", "add-check", "ALTER TABLE price ADD CONSTRAINT named CHECK (name <> '')", setup=["SET check_constraint_checks=0"])
# --- tables, views, partitions
case("drop_two_partitions", "drop-partition", "ALTER TABLE ev DROP PARTITION p2019, p2020")
case("drop_last_partitions", "fails", "ALTER TABLE ev DROP PARTITION p2019, p2020, p2021")
case("partition_of_missing", "fails", "ALTER TABLE bare ADD PARTITION (PARTITION p1 VALUES LESS THAN (10))")
case("alter_view", "view", "ALTER VIEW book_v AS SELECT id, title, pages FROM book")
case("create_or_replace_view_missing", "fails", "CREATE OR REPLACE VIEW book_v AS SELECT nothing FROM book")
case("create_table_same_fk_name", "create-table", "CREATE TABLE tag (id INT PRIMARY KEY, book_id INT, CONSTRAINT loan_book_fk FOREIGN KEY (book_id) REFERENCES book (id))")
case("create_table_select_where", "create-table", "CREATE TABLE few AS SELECT id, title FROM book WHERE id < 10")
case("drop_table_view_name", "fails", "DROP TABLE book_v")
case("alter_database_charset", "metadata", "ALTER DATABASE truth CHARACTER SET latin1")
case("rename_view", "rename-view", "RENAME TABLE book_v TO book_view")
case("several_options", "table-option", "ALTER TABLE book COMMENT='x', AUTO_INCREMENT=5000, STATS_PERSISTENT=0")
# --- rows
case("update_key_range", "dml", "UPDATE book SET stars = 1 WHERE id BETWEEN 10 AND 20")
case("update_key_open_range", "dml", "UPDATE book SET stars = 1 WHERE id > 10")
case("update_two_keys", "dml", "UPDATE book SET stars = 1 WHERE id = 3 OR id = 9")
case("update_joined", "dml", "UPDATE loan JOIN book ON book.id = loan.book_id SET loan.borrower = book.title")
case("update_limit", "dml", "UPDATE book SET stars = 1 ORDER BY id LIMIT 20")
case("delete_joined", "dml", "DELETE loan FROM loan JOIN book ON book.id = loan.book_id WHERE book.pages > 500")
case("delete_in_query", "dml", "DELETE FROM loan WHERE book_id IN (SELECT id FROM book WHERE stars = 3)")
case("replace_select", "dml", "REPLACE INTO wide4 SELECT id, 'x' FROM wide4")
case("insert_select_null", "fails", "INSERT INTO shelf (code) SELECT spare FROM book")
case("insert_on_duplicate_select", "dml", "INSERT INTO wide4 (id, name) SELECT id, 'y' FROM wide4 AS w ON DUPLICATE KEY UPDATE name = VALUES(name)")

if __name__ == "__main__":
    if "--out" not in sys.argv:
        sys.argv += ["--out", os.path.join(observer.HERE, "mariadb_kinds.json")]
    observer.main()
