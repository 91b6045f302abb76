#!/usr/bin/env python3
"""Observes what MariaDB (or MySQL) does with each statement of CASES; writes mariadb.json.

usage: observe_mariadb.py --socket SOCKET [--user root] [--out FILE] [--only ID,ID] [--keep FILE [--seen FILE]]
needs: PyMySQL, a throw-away server with InnoDB; the database `truth` is dropped and made again.

A case starts from a fresh copy of mariadb_schema.sql. It is tried with each ALGORITHM, cheapest
first, until one is accepted; so with each LOCK; then as it stands. The last run tells the error,
the implicit commit, what became of the rows, and (by InnoDB's table ids) whether a table was rebuilt.
With --keep the observations of a second server are merged into FILE: what differs goes to `differs`.
"""
import argparse
import json
import os
import re
import sys

import pymysql

HERE = os.path.dirname(os.path.abspath(__file__))
ALGORITHMS = ["INSTANT", "NOCOPY", "INPLACE", "COPY"]
LOCKS = ["NONE", "SHARED", "EXCLUSIVE"]
STRICT = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

# (id, hazard, statement, options): setup = statements before it, sql_mode = instead of the strict one.
CASES = []


def case(name, hazard, statement, **options):
    CASES.append((name, hazard, statement, options))


# --- ADD COLUMN
case("add_last", "add-column", "ALTER TABLE book ADD COLUMN publisher VARCHAR(40)")
case("add_first", "add-column", "ALTER TABLE book ADD COLUMN shelf_mark VARCHAR(10) FIRST")
case("add_after", "add-column", "ALTER TABLE book ADD COLUMN shelf_mark VARCHAR(10) AFTER title")
case("add_default", "add-column-default", "ALTER TABLE book ADD COLUMN lang VARCHAR(5) DEFAULT 'en'")
case("add_after_default", "add-column-default", "ALTER TABLE book ADD COLUMN lang VARCHAR(5) NOT NULL DEFAULT 'en' AFTER isbn")
case("add_not_null_default", "add-column-default", "ALTER TABLE book ADD COLUMN lang VARCHAR(5) NOT NULL DEFAULT 'en'")
case("add_not_null_no_default_int", "add-column-required", "ALTER TABLE book ADD COLUMN volumes INT NOT NULL")
case("add_not_null_no_default_date", "add-column-required", "ALTER TABLE book ADD COLUMN released DATE NOT NULL")
case("add_not_null_no_default_datetime_lax", "add-column-required", "ALTER TABLE book ADD COLUMN released DATETIME NOT NULL", sql_mode="NO_ENGINE_SUBSTITUTION")
case("add_not_null_date_no_zero_date", "add-column-required", "ALTER TABLE book ADD COLUMN released DATE NOT NULL", sql_mode=STRICT + ",NO_ZERO_DATE")
case("add_not_null_no_default_enum", "add-column-required", "ALTER TABLE book ADD COLUMN cover ENUM('soft','hard') NOT NULL")
case("add_not_null_no_default_empty_table", "add-column-required", "ALTER TABLE hollow ADD COLUMN must VARCHAR(10) NOT NULL")
case("add_default_current_timestamp", "add-column-volatile-default", "ALTER TABLE book ADD COLUMN added_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP")
case("add_datetime_on_update", "add-column-volatile-default", "ALTER TABLE book ADD COLUMN changed_at DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP")
case("add_default_uuid", "add-column-volatile-default", "ALTER TABLE book ADD COLUMN ref CHAR(36) DEFAULT (UUID())")
case("add_default_constant_expression", "add-column-expression-default", "ALTER TABLE book ADD COLUMN k INT DEFAULT (1 + 2)")
case("add_default_column_expression", "add-column-expression-default", "ALTER TABLE book ADD COLUMN k INT DEFAULT (pages + 1)")
case("add_default_rand", "add-column-volatile-default", "ALTER TABLE book ADD COLUMN k DOUBLE DEFAULT (RAND())")
case("add_text_default", "add-column-default", "ALTER TABLE book ADD COLUMN remark TEXT DEFAULT 'none'")
case("add_json", "add-column", "ALTER TABLE book ADD COLUMN extra JSON")
case("add_blob_not_null", "add-column-required", "ALTER TABLE book ADD COLUMN scan_data LONGBLOB NOT NULL")
case("add_auto_increment_key", "add-column-auto-increment", "ALTER TABLE bare ADD COLUMN id INT NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST")
case("add_auto_increment_unique", "add-column-auto-increment", "ALTER TABLE bare ADD COLUMN seq INT NOT NULL AUTO_INCREMENT UNIQUE")
case("add_auto_increment_second", "add-column-auto-increment", "ALTER TABLE book ADD COLUMN seq INT NOT NULL AUTO_INCREMENT UNIQUE")
case("add_primary_inline", "add-primary-key", "ALTER TABLE bare ADD COLUMN pk INT NOT NULL PRIMARY KEY")
case("add_unique_inline_null", "add-column-unique", "ALTER TABLE book ADD COLUMN tag VARCHAR(20) UNIQUE")
case("add_unique_inline_default", "add-column-unique", "ALTER TABLE book ADD COLUMN tag VARCHAR(20) NOT NULL DEFAULT 'x' UNIQUE")
case("add_column_and_index", "add-column-mixed", "ALTER TABLE book ADD COLUMN tag VARCHAR(20), ADD INDEX book_tag (tag)")
case("add_column_and_other_index", "add-column-mixed", "ALTER TABLE book ADD COLUMN tag VARCHAR(20), ADD INDEX book_stars (stars)")
case("add_two_columns", "add-column", "ALTER TABLE book ADD COLUMN a1 INT, ADD COLUMN a2 VARCHAR(10) DEFAULT 'q'")
case("add_columns_in_parentheses", "add-column", "ALTER TABLE book ADD COLUMN (a1 INT, a2 VARCHAR(10))")
case("add_and_drop_column", "drop-column", "ALTER TABLE book ADD COLUMN a1 INT, DROP COLUMN spare")
case("add_and_modify_copy", "alter-type", "ALTER TABLE book ADD COLUMN a1 INT, MODIFY pages BIGINT")
case("add_generated_virtual", "add-column-generated", "ALTER TABLE book ADD COLUMN thick INT GENERATED ALWAYS AS (pages * 2) VIRTUAL")
case("add_generated_virtual_first", "add-column-generated", "ALTER TABLE book ADD COLUMN thick INT AS (pages * 2) VIRTUAL FIRST")
case("add_generated_stored", "add-column-generated", "ALTER TABLE book ADD COLUMN thick INT GENERATED ALWAYS AS (pages * 2) STORED")
case("add_generated_persistent", "add-column-generated", "ALTER TABLE book ADD COLUMN thick INT AS (pages * 2) PERSISTENT")
case("add_generated_virtual_and_column", "add-column-generated", "ALTER TABLE book ADD COLUMN thick INT AS (pages * 2) VIRTUAL, ADD COLUMN a1 INT")
case("add_generated_virtual_indexed", "add-column-generated", "ALTER TABLE book ADD COLUMN thick INT AS (pages * 2) VIRTUAL, ADD INDEX book_thick (thick)")
case("add_check_inline", "add-column-check", "ALTER TABLE book ADD COLUMN k INT CHECK (k > 0)")
case("add_check_inline_default", "add-column-check", "ALTER TABLE book ADD COLUMN k INT DEFAULT 1 CHECK (k > 0)")
case("add_check_inline_violated", "add-column-check", "ALTER TABLE book ADD COLUMN k INT DEFAULT 0 CHECK (k > 0)")
case("add_references_inline", "add-column-fk", "ALTER TABLE book ADD COLUMN shelf_id INT REFERENCES shelf(id)")
case("add_references_inline_no_checks", "add-column-fk", "ALTER TABLE book ADD COLUMN shelf_id INT REFERENCES shelf(id)", setup=["SET foreign_key_checks=0"])
case("add_column_and_fk", "add-column-fk", "ALTER TABLE book ADD COLUMN shelf_id INT, ADD CONSTRAINT book_shelf_fk FOREIGN KEY (shelf_id) REFERENCES shelf(id)")
case("add_invisible", "add-column", "ALTER TABLE book ADD COLUMN secret INT INVISIBLE")
case("add_compressed_attribute", "add-column", "ALTER TABLE book ADD COLUMN longer TEXT COMPRESSED")
case("add_charset", "add-column", "ALTER TABLE book ADD COLUMN l1 VARCHAR(30) CHARACTER SET latin1 COLLATE latin1_bin")
case("add_if_not_exists_new", "add-column", "ALTER TABLE book ADD COLUMN IF NOT EXISTS publisher VARCHAR(40)")
case("add_if_not_exists_there", "add-column", "ALTER TABLE book ADD COLUMN IF NOT EXISTS title VARCHAR(5)")
case("add_duplicate", "fails", "ALTER TABLE book ADD COLUMN title VARCHAR(50)")
case("add_to_missing_table", "fails", "ALTER TABLE nowhere ADD COLUMN a INT")
case("add_if_exists_missing_table", "add-column", "ALTER TABLE IF EXISTS nowhere ADD COLUMN a INT")
case("add_after_missing", "fails", "ALTER TABLE book ADD COLUMN a INT AFTER nothing")
case("add_bad_default", "fails", "ALTER TABLE book ADD COLUMN a INT DEFAULT 'word'")
case("add_to_fulltext_table", "add-column", "ALTER TABLE article ADD COLUMN more VARCHAR(20)")
case("add_to_compressed_table", "add-column", "ALTER TABLE packed ADD COLUMN more VARCHAR(20)")
case("add_after_to_compressed_table", "add-column", "ALTER TABLE packed ADD COLUMN more VARCHAR(20) AFTER a")
case("add_to_redundant_table", "add-column", "ALTER TABLE redundant ADD COLUMN more VARCHAR(20) DEFAULT 'z'")
case("add_to_compact_table", "add-column", "ALTER TABLE compact ADD COLUMN more VARCHAR(20) DEFAULT 'z' FIRST")
case("add_to_table_without_key", "add-column", "ALTER TABLE bare ADD COLUMN more VARCHAR(20) FIRST")
case("add_to_partitioned", "add-column", "ALTER TABLE ev ADD COLUMN more VARCHAR(20)")
case("add_to_spatial", "add-column", "ALTER TABLE mapped ADD COLUMN more VARCHAR(20)")
case("add_to_versioned", "add-column", "ALTER TABLE log ADD COLUMN more VARCHAR(20)")
case("add_to_myisam", "add-column", "ALTER TABLE isam ADD COLUMN more VARCHAR(20)")
case("add_to_table_with_virtual_index", "add-column", "ALTER TABLE vidx ADD COLUMN more VARCHAR(20)")
case("add_to_table_with_check", "add-column", "ALTER TABLE price ADD COLUMN more VARCHAR(20)")
case("add_after_second_instant", "add-column", "ALTER TABLE book ADD COLUMN more2 VARCHAR(20) FIRST", setup=["ALTER TABLE book ADD COLUMN more1 INT FIRST, ALGORITHM=INSTANT"])

case("add_to_table_with_dropped_fulltext", "add-column", "ALTER TABLE article ADD COLUMN more VARCHAR(20)", setup=["ALTER TABLE article DROP INDEX article_ft"])
case("add_to_table_rebuilt_after_fulltext", "add-column", "ALTER TABLE article ADD COLUMN more VARCHAR(20)", setup=["ALTER TABLE article DROP INDEX article_ft", "ALTER TABLE article FORCE"])
case("add_generated_virtual_fulltext_table", "add-column-generated", "ALTER TABLE article ADD COLUMN thick INT AS (extra * 2) VIRTUAL")
case("add_generated_virtual_compressed", "add-column-generated", "ALTER TABLE packed ADD COLUMN thick INT AS (b * 2) VIRTUAL")
case("add_column_and_drop_index", "add-column-mixed", "ALTER TABLE book ADD COLUMN tag VARCHAR(20), DROP INDEX book_pages")
case("add_column_and_unique", "add-column-mixed", "ALTER TABLE book ADD COLUMN tag VARCHAR(20), ADD UNIQUE KEY book_code (code)")
case("add_column_and_widen", "add-column-mixed", "ALTER TABLE book ADD COLUMN tag VARCHAR(20), MODIFY spare VARCHAR(20)")
case("add_column_and_rename_column", "add-column-mixed", "ALTER TABLE book ADD COLUMN tag VARCHAR(20), RENAME COLUMN spare TO reserve")
case("add_column_and_set_default", "add-column-mixed", "ALTER TABLE book ADD COLUMN tag VARCHAR(20), ALTER COLUMN pages SET DEFAULT 3")
case("add_column_and_comment", "add-column-mixed", "ALTER TABLE book ADD COLUMN tag VARCHAR(20), COMMENT='x'")
case("add_column_and_not_null", "add-column-mixed", "ALTER TABLE book ADD COLUMN tag VARCHAR(20), MODIFY title VARCHAR(50) NOT NULL")
case("add_column_and_check", "add-column-mixed", "ALTER TABLE book ADD COLUMN tag INT, ADD CONSTRAINT tag_small CHECK (tag < 5)")
case("add_column_and_drop_check", "add-column-mixed", "ALTER TABLE price ADD COLUMN tag INT, DROP CONSTRAINT price_floor")
case("add_column_and_drop_fk", "add-column-mixed", "ALTER TABLE loan ADD COLUMN tag INT, DROP FOREIGN KEY loan_book_fk")
case("add_column_and_rename_index", "add-column-mixed", "ALTER TABLE book ADD COLUMN tag INT, RENAME INDEX book_pages TO book_sheets")
case("add_column_and_fk_no_checks", "add-column-mixed", "ALTER TABLE book ADD COLUMN shelf_id INT, ADD CONSTRAINT book_shelf_fk FOREIGN KEY (shelf_id) REFERENCES shelf(id)", setup=["SET foreign_key_checks=0"])

# --- DROP COLUMN
case("drop_column_and_add_index", "drop-column", "ALTER TABLE book DROP COLUMN spare, ADD INDEX book_stars (stars)")
case("drop_column_and_drop_other_index", "drop-column", "ALTER TABLE book DROP COLUMN spare, DROP INDEX book_pages")
case("drop_plain", "drop-column", "ALTER TABLE book DROP COLUMN spare")
case("drop_first_column_not_key", "drop-column", "ALTER TABLE bare DROP COLUMN a")
case("drop_two", "drop-column", "ALTER TABLE book DROP COLUMN spare, DROP COLUMN stars")
case("drop_indexed", "drop-column", "ALTER TABLE book DROP COLUMN pages")
case("drop_unique_column", "drop-column", "ALTER TABLE book DROP COLUMN isbn")
case("drop_indexed_with_index", "drop-column", "ALTER TABLE book DROP INDEX book_pages, DROP COLUMN pages")
case("drop_in_view", "drop-column", "ALTER TABLE book DROP COLUMN title")
case("drop_in_fk", "drop-column", "ALTER TABLE loan DROP COLUMN book_id")
case("drop_in_fk_with_fk", "drop-column", "ALTER TABLE loan DROP FOREIGN KEY loan_book_fk, DROP COLUMN book_id")
case("drop_in_fk_no_checks", "drop-column", "ALTER TABLE loan DROP COLUMN book_id", setup=["SET foreign_key_checks=0"])
case("drop_referenced", "drop-column", "ALTER TABLE book DROP COLUMN id")
case("drop_primary_key_column", "drop-column", "ALTER TABLE hashed DROP COLUMN id")
case("drop_primary_key_column_plain", "drop-column", "ALTER TABLE wide4 DROP COLUMN id")
case("drop_in_table_check", "drop-column", "ALTER TABLE price DROP COLUMN floor_price")
case("drop_in_two_column_check", "drop-column", "ALTER TABLE price DROP COLUMN tax, DROP COLUMN gross")
case("drop_with_column_check", "drop-column", "ALTER TABLE price DROP COLUMN qty")
case("drop_in_generated", "drop-column", "ALTER TABLE price DROP COLUMN net")
case("drop_generated_stored", "drop-column", "ALTER TABLE price DROP COLUMN gross")
case("drop_generated_virtual", "drop-column", "ALTER TABLE price DROP COLUMN half")
case("drop_generated_virtual_indexed", "drop-column", "ALTER TABLE vidx DROP COLUMN twice")
case("drop_in_trigger", "drop-column", "ALTER TABLE shelf DROP COLUMN room")
case("drop_in_fulltext", "drop-column", "ALTER TABLE article DROP COLUMN body")
case("drop_from_fulltext_table", "drop-column", "ALTER TABLE article DROP COLUMN extra")
case("drop_from_compressed", "drop-column", "ALTER TABLE packed DROP COLUMN c")
case("drop_from_table_without_key", "drop-column", "ALTER TABLE bare DROP COLUMN c")
case("drop_from_partitioned", "drop-column", "ALTER TABLE ev DROP COLUMN v")
case("drop_partition_column", "drop-column", "ALTER TABLE ev DROP COLUMN yr")
case("drop_column_if_exists_missing", "drop-column", "ALTER TABLE book DROP COLUMN IF EXISTS nothing")
case("drop_column_if_exists_there", "drop-column", "ALTER TABLE book DROP COLUMN IF EXISTS spare")
case("drop_missing", "fails", "ALTER TABLE book DROP COLUMN nothing")
case("drop_all_columns", "fails", "ALTER TABLE bare DROP COLUMN a, DROP COLUMN b, DROP COLUMN c")
case("drop_part_of_composite_unique", "drop-column", "ALTER TABLE bare DROP COLUMN c", setup=["ALTER TABLE bare ADD UNIQUE KEY ac (a, c)"])
case("drop_part_of_composite_index", "drop-column", "ALTER TABLE bare DROP COLUMN c", setup=["ALTER TABLE bare ADD KEY ac (a, c)"])
case("drop_versioned", "drop-column", "ALTER TABLE log DROP COLUMN v")

# --- RENAME COLUMN, CHANGE
case("rename_column", "rename-column", "ALTER TABLE book RENAME COLUMN spare TO reserve")
case("rename_indexed", "rename-column", "ALTER TABLE book RENAME COLUMN pages TO sheets")
case("rename_in_view", "rename-column", "ALTER TABLE book RENAME COLUMN title TO heading")
case("rename_referenced", "rename-column", "ALTER TABLE book RENAME COLUMN id TO book_no")
case("rename_fk_column", "rename-column", "ALTER TABLE loan RENAME COLUMN book_id TO book_no")
case("rename_in_check", "rename-column", "ALTER TABLE price RENAME COLUMN floor_price TO lowest")
case("rename_in_generated", "rename-column", "ALTER TABLE price RENAME COLUMN net TO bare_net")
case("rename_in_trigger", "rename-column", "ALTER TABLE shelf RENAME COLUMN room TO hall")
case("rename_in_fulltext", "rename-column", "ALTER TABLE article RENAME COLUMN head TO top")
case("rename_in_virtual_index_base", "rename-column", "ALTER TABLE vidx RENAME COLUMN a TO a1")
case("rename_to_taken", "fails", "ALTER TABLE book RENAME COLUMN spare TO title")
case("rename_missing", "fails", "ALTER TABLE book RENAME COLUMN nothing TO a")
case("rename_if_exists_missing", "rename-column", "ALTER TABLE book RENAME COLUMN IF EXISTS nothing TO a")
case("change_name_only", "rename-column", "ALTER TABLE book CHANGE spare reserve VARCHAR(10)")
case("change_name_and_type", "alter-type", "ALTER TABLE book CHANGE pages sheets BIGINT")
case("change_missing", "fails", "ALTER TABLE book CHANGE nothing a INT")
case("change_name_drops_not_null", "drop-not-null", "ALTER TABLE book CHANGE isbn isbn_no VARCHAR(20)")

# --- MODIFY: strings
case("varchar_within_255_bytes", "alter-type-widen", "ALTER TABLE book MODIFY spare VARCHAR(63)")
case("varchar_to_exactly_255_latin1", "alter-type-widen", "ALTER TABLE book MODIFY legacy VARCHAR(255) CHARACTER SET latin1")
case("varchar_across_255_bytes_utf8mb4", "alter-type-widen", "ALTER TABLE book MODIFY spare VARCHAR(64)")
case("varchar_50_to_64_utf8mb4", "alter-type-widen", "ALTER TABLE book MODIFY title VARCHAR(64)")
case("varchar_50_to_63_utf8mb4_indexed", "alter-type-widen", "ALTER TABLE book MODIFY title VARCHAR(63)")
case("varchar_across_255_bytes_latin1", "alter-type-widen", "ALTER TABLE book MODIFY legacy VARCHAR(256) CHARACTER SET latin1")
case("varchar_across_255_bytes_utf8mb3", "alter-type-widen", "ALTER TABLE book MODIFY three VARCHAR(86) CHARACTER SET utf8mb3")
case("varchar_within_255_bytes_utf8mb3", "alter-type-widen", "ALTER TABLE book MODIFY three VARCHAR(85) CHARACTER SET utf8mb3")
case("varchar_both_above_255_bytes", "alter-type-widen", "ALTER TABLE book MODIFY subtitle VARCHAR(200)")
case("varchar_widen_indexed_across", "alter-type-widen", "ALTER TABLE wide4 MODIFY name VARCHAR(100) NOT NULL")
case("varchar_widen_unique", "alter-type-widen", "ALTER TABLE book MODIFY isbn VARCHAR(40) NOT NULL")
case("varchar_widen_redundant_across", "alter-type-widen", "ALTER TABLE redundant MODIFY a VARCHAR(200)")
case("varchar_widen_compact_across", "alter-type-widen", "ALTER TABLE compact MODIFY a VARCHAR(200)")
case("varchar_widen_compressed", "alter-type-widen", "ALTER TABLE packed MODIFY a VARCHAR(40)")
case("varchar_widen_compressed_across", "alter-type-widen", "ALTER TABLE packed MODIFY a VARCHAR(200)")
case("varchar_widen_fulltext_table", "alter-type-widen", "ALTER TABLE article MODIFY other VARCHAR(40)")
case("varchar_widen_fulltext_column", "alter-type-widen", "ALTER TABLE article MODIFY head VARCHAR(60)")
case("varchar_widen_no_key", "alter-type-widen", "ALTER TABLE bare MODIFY b VARCHAR(40)")
case("varchar_widen_partitioned", "alter-type-widen", "ALTER TABLE ev MODIFY v VARCHAR(40)")
case("varchar_widen_in_view", "alter-type-widen", "ALTER TABLE book MODIFY title VARCHAR(60)")
case("varchar_widen_in_check", "alter-type-widen", "ALTER TABLE price MODIFY name VARCHAR(40)")
case("varchar_from_127_bytes_across", "alter-type-widen", "ALTER TABLE old1 MODIFY name VARCHAR(256)", setup=["ALTER TABLE old1 MODIFY name VARCHAR(127)"])
case("varchar_from_128_bytes_across", "alter-type-widen", "ALTER TABLE old1 MODIFY name VARCHAR(256)", setup=["ALTER TABLE old1 MODIFY name VARCHAR(128)"])
case("varchar_from_128_bytes_within", "alter-type-widen", "ALTER TABLE old1 MODIFY name VARCHAR(255)", setup=["ALTER TABLE old1 MODIFY name VARCHAR(128)"])
case("varchar_from_255_bytes_to_256", "alter-type-widen", "ALTER TABLE old1 MODIFY name VARCHAR(256)", setup=["ALTER TABLE old1 MODIFY name VARCHAR(255)"])
case("varchar_from_256_bytes_up", "alter-type-widen", "ALTER TABLE old1 MODIFY name VARCHAR(2000)", setup=["ALTER TABLE old1 MODIFY name VARCHAR(256)"])
case("varchar_31_to_64_utf8mb4", "alter-type-widen", "ALTER TABLE hollow MODIFY a VARCHAR(64)", setup=["ALTER TABLE hollow MODIFY a VARCHAR(31)"])
case("varchar_32_to_64_utf8mb4", "alter-type-widen", "ALTER TABLE hollow MODIFY a VARCHAR(64)", setup=["ALTER TABLE hollow MODIFY a VARCHAR(32)"])
case("varchar_32_to_63_utf8mb4", "alter-type-widen", "ALTER TABLE hollow MODIFY a VARCHAR(63)", setup=["ALTER TABLE hollow MODIFY a VARCHAR(32)"])
case("varchar_60_to_200_redundant", "alter-type-widen", "ALTER TABLE redundant MODIFY c VARCHAR(200)")
case("varchar_60_to_200_compact", "alter-type-widen", "ALTER TABLE compact MODIFY c VARCHAR(200)")
case("varchar_indexed_small_across", "alter-type-widen", "ALTER TABLE book MODIFY isbn VARCHAR(100) NOT NULL")
case("varchar_indexed_past_key_limit", "alter-type-widen", "ALTER TABLE book MODIFY isbn VARCHAR(1000) NOT NULL")
case("varchar_widen_primary_key", "alter-type-widen", "ALTER TABLE coded MODIFY id VARCHAR(40) NOT NULL", setup=["CREATE TABLE coded (id VARCHAR(20) NOT NULL PRIMARY KEY, v INT) ENGINE=InnoDB CHARSET=utf8mb4"])
case("varchar_widen_referenced", "alter-type-widen", "ALTER TABLE coded MODIFY id VARCHAR(40) NOT NULL", setup=["CREATE TABLE coded (id VARCHAR(20) NOT NULL PRIMARY KEY, v INT) ENGINE=InnoDB CHARSET=utf8mb4", "CREATE TABLE coded_child (id INT PRIMARY KEY, c VARCHAR(20), CONSTRAINT coded_fk FOREIGN KEY (c) REFERENCES coded (id)) ENGINE=InnoDB CHARSET=utf8mb4"])
case("varchar_narrow_fits", "alter-type-narrow", "ALTER TABLE book MODIFY subtitle VARCHAR(40)")
case("varchar_narrow_too_long", "alter-type-narrow", "ALTER TABLE book MODIFY title VARCHAR(5)")
case("varchar_narrow_too_long_lax", "alter-type-narrow", "ALTER TABLE book MODIFY title VARCHAR(5)", sql_mode="NO_ENGINE_SUBSTITUTION")
case("varchar_narrow_ignore", "alter-type-narrow", "ALTER IGNORE TABLE book MODIFY title VARCHAR(5)")
case("varchar_to_text", "alter-type-widen", "ALTER TABLE book MODIFY spare TEXT")
case("varchar_to_text_indexed", "alter-type-widen", "ALTER TABLE book MODIFY title TEXT")
case("text_to_varchar", "alter-type-narrow", "ALTER TABLE book MODIFY blurb VARCHAR(100)")
case("text_to_mediumtext", "alter-type-widen", "ALTER TABLE book MODIFY blurb MEDIUMTEXT")
case("text_to_tinytext", "alter-type-narrow", "ALTER TABLE book MODIFY blurb TINYTEXT")
case("char_to_varchar", "alter-type", "ALTER TABLE book MODIFY code VARCHAR(8)")
case("char_widen", "alter-type-widen", "ALTER TABLE book MODIFY code CHAR(12)")
case("char_widen_latin1", "alter-type-widen", "ALTER TABLE old1 MODIFY odd CHAR(60)")
case("varchar_to_char", "alter-type", "ALTER TABLE book MODIFY spare CHAR(10)")
case("varchar_to_int_words", "alter-type", "ALTER TABLE book MODIFY spare INT")
case("varchar_to_int_words_lax", "alter-type", "ALTER TABLE book MODIFY spare INT", sql_mode="NO_ENGINE_SUBSTITUTION")
case("varchar_to_varbinary", "alter-type", "ALTER TABLE book MODIFY spare VARBINARY(40)")
case("varbinary_widen", "alter-type-widen", "ALTER TABLE doc MODIFY bin VARBINARY(200)")
case("varbinary_widen_across", "alter-type-widen", "ALTER TABLE doc MODIFY bin VARBINARY(300)")
case("varchar_charset_latin1_to_utf8mb4", "alter-charset", "ALTER TABLE book MODIFY legacy VARCHAR(40) CHARACTER SET utf8mb4")
case("varchar_charset_ascii_to_utf8mb4", "alter-charset", "ALTER TABLE old1 MODIFY odd VARCHAR(60) CHARACTER SET utf8mb4", setup=["ALTER TABLE old1 MODIFY odd VARCHAR(60) CHARACTER SET ascii"])
case("varchar_charset_ascii_to_utf8mb3", "alter-charset", "ALTER TABLE old1 MODIFY odd VARCHAR(60) CHARACTER SET utf8mb3", setup=["ALTER TABLE old1 MODIFY odd VARCHAR(60) CHARACTER SET ascii"])
case("varchar_charset_ascii_to_latin1", "alter-charset", "ALTER TABLE old1 MODIFY odd VARCHAR(60) CHARACTER SET latin1", setup=["ALTER TABLE old1 MODIFY odd VARCHAR(60) CHARACTER SET ascii"])
case("varchar_charset_utf8mb3_to_utf8mb4", "alter-charset", "ALTER TABLE book MODIFY three VARCHAR(40) CHARACTER SET utf8mb4")
case("varchar_charset_utf8mb3_to_utf8mb4_across_255", "alter-charset", "ALTER TABLE old3 MODIFY name VARCHAR(64) CHARACTER SET utf8mb4", setup=["ALTER TABLE old3 MODIFY name VARCHAR(64)"])
case("varchar_charset_utf8mb3_to_utf8mb4_indexed", "alter-charset", "ALTER TABLE old3 MODIFY name VARCHAR(60) CHARACTER SET utf8mb4", setup=["ALTER TABLE old3 ADD INDEX old3_name (name)"])
case("char_charset_utf8mb3_to_utf8mb4", "alter-charset", "ALTER TABLE old3 MODIFY kind CHAR(4) CHARACTER SET utf8mb4")
case("text_charset_utf8mb3_to_utf8mb4", "alter-charset", "ALTER TABLE old3 MODIFY note TEXT CHARACTER SET utf8mb4")
case("varchar_charset_utf8mb4_to_latin1", "alter-charset", "ALTER TABLE book MODIFY title VARCHAR(50) CHARACTER SET latin1")
case("varchar_charset_utf8mb3_to_latin1_unfit", "alter-charset", "ALTER TABLE book MODIFY three VARCHAR(40) CHARACTER SET latin1")
case("varchar_charset_utf8mb3_to_latin1_unfit_lax", "alter-charset", "ALTER TABLE book MODIFY three VARCHAR(40) CHARACTER SET latin1", sql_mode="NO_ENGINE_SUBSTITUTION")
case("collation_only", "alter-collation", "ALTER TABLE book MODIFY spare VARCHAR(10) COLLATE utf8mb4_bin")
case("collation_only_indexed", "alter-collation", "ALTER TABLE book MODIFY title VARCHAR(50) COLLATE utf8mb4_bin")
case("collation_only_unique", "alter-collation", "ALTER TABLE book MODIFY isbn VARCHAR(20) COLLATE utf8mb4_bin NOT NULL")
case("collation_and_widen", "alter-collation", "ALTER TABLE book MODIFY spare VARCHAR(20) COLLATE utf8mb4_bin")

# --- MODIFY: numbers, times, enums
case("int_to_bigint", "alter-type-widen", "ALTER TABLE book MODIFY pages BIGINT")
case("int_display_width", "alter-type", "ALTER TABLE book MODIFY pages INT(5)")
case("int_zerofill", "alter-type", "ALTER TABLE book MODIFY stars SMALLINT ZEROFILL")
case("smallint_to_int", "alter-type-widen", "ALTER TABLE book MODIFY stars INT")
case("int_to_smallint_fits", "alter-type-narrow", "ALTER TABLE book MODIFY pages SMALLINT")
case("int_to_tinyint_overflow", "alter-type-narrow", "ALTER TABLE book MODIFY pages TINYINT")
case("int_to_tinyint_overflow_lax", "alter-type-narrow", "ALTER TABLE book MODIFY pages TINYINT", sql_mode="NO_ENGINE_SUBSTITUTION")
case("int_to_unsigned_fits", "alter-type", "ALTER TABLE book MODIFY pages INT UNSIGNED")
case("int_to_unsigned_negative", "alter-type", "ALTER TABLE book MODIFY balance INT UNSIGNED")
case("int_to_unsigned_negative_lax", "alter-type", "ALTER TABLE book MODIFY balance INT UNSIGNED", sql_mode="NO_ENGINE_SUBSTITUTION")
case("unsigned_to_signed", "alter-type", "ALTER TABLE book MODIFY copies INT NOT NULL DEFAULT 1")
case("key_int_to_bigint", "alter-type-widen", "ALTER TABLE wide4 MODIFY id BIGINT NOT NULL")
case("key_int_to_bigint_auto_increment", "alter-type-widen", "ALTER TABLE loan MODIFY id BIGINT NOT NULL AUTO_INCREMENT")
case("referenced_key_int_to_bigint", "alter-type-widen", "ALTER TABLE book MODIFY id BIGINT NOT NULL AUTO_INCREMENT")
case("referenced_key_int_to_bigint_no_checks", "alter-type-widen", "ALTER TABLE book MODIFY id BIGINT NOT NULL AUTO_INCREMENT", setup=["SET foreign_key_checks=0"])
case("fk_column_int_to_bigint", "alter-type-widen", "ALTER TABLE loan MODIFY book_id BIGINT NOT NULL")
case("fk_column_drop_not_null", "drop-not-null", "ALTER TABLE loan MODIFY book_id INT NULL")
case("fk_set_null_column_to_not_null", "set-not-null", "ALTER TABLE sticker MODIFY shelf_id INT NOT NULL")
case("key_lose_auto_increment", "alter-type", "ALTER TABLE loan MODIFY id INT NOT NULL")
case("key_gain_auto_increment", "alter-type", "ALTER TABLE wide4 MODIFY id INT NOT NULL AUTO_INCREMENT")
case("int_to_varchar", "alter-type", "ALTER TABLE book MODIFY pages VARCHAR(11)")
case("int_to_decimal", "alter-type", "ALTER TABLE book MODIFY pages DECIMAL(12,0)")
case("int_to_double", "alter-type", "ALTER TABLE book MODIFY stars DOUBLE")
case("int_to_boolean", "alter-type-narrow", "ALTER TABLE book MODIFY stars BOOLEAN")
case("boolean_to_int", "alter-type-widen", "ALTER TABLE book MODIFY flag INT NOT NULL DEFAULT 0")
case("decimal_wider_precision", "alter-type-widen", "ALTER TABLE book MODIFY cost DECIMAL(12,2)")
case("decimal_wider_by_one_digit", "alter-type-widen", "ALTER TABLE book MODIFY cost DECIMAL(9,2)")
case("decimal_wider_scale", "alter-type-widen", "ALTER TABLE book MODIFY cost DECIMAL(10,4)")
case("decimal_less_scale", "alter-type-narrow", "ALTER TABLE book MODIFY cost DECIMAL(8,1)")
case("decimal_less_precision_overflow", "alter-type-narrow", "ALTER TABLE book MODIFY cost DECIMAL(4,2)")
case("decimal_to_int", "alter-type-narrow", "ALTER TABLE book MODIFY cost INT")
case("decimal_to_double", "alter-type", "ALTER TABLE book MODIFY cost DOUBLE")
case("float_to_double", "alter-type-widen", "ALTER TABLE book MODIFY weight DOUBLE")
case("float_to_int", "alter-type-narrow", "ALTER TABLE book MODIFY weight INT")
case("date_to_datetime", "alter-type-widen", "ALTER TABLE book MODIFY printed DATETIME")
case("datetime_to_date", "alter-type-narrow", "ALTER TABLE book MODIFY bought DATE")
case("datetime_to_microseconds", "alter-type-widen", "ALTER TABLE book MODIFY bought DATETIME(6)")
case("datetime_to_timestamp", "alter-type", "ALTER TABLE book MODIFY bought TIMESTAMP NULL")
case("timestamp_to_datetime", "alter-type", "ALTER TABLE book MODIFY touched DATETIME")
case("enum_append", "alter-enum", "ALTER TABLE book MODIFY grade ENUM('good','worn','lost','new')")
case("enum_insert_middle", "alter-enum", "ALTER TABLE book MODIFY grade ENUM('good','fair','worn','lost')")
case("enum_insert_first", "alter-enum", "ALTER TABLE book MODIFY grade ENUM('mint','good','worn','lost')")
case("enum_reorder", "alter-enum", "ALTER TABLE book MODIFY grade ENUM('lost','worn','good')")
case("enum_remove_used", "alter-enum", "ALTER TABLE book MODIFY grade ENUM('good','worn')")
case("enum_remove_used_lax", "alter-enum", "ALTER TABLE book MODIFY grade ENUM('good','worn')", sql_mode="NO_ENGINE_SUBSTITUTION")
case("enum_remove_unused", "alter-enum", "ALTER TABLE book MODIFY grade ENUM('good','worn')", setup=["UPDATE book SET grade='worn' WHERE grade='lost'"])
case("enum_rename_value", "alter-enum", "ALTER TABLE book MODIFY grade ENUM('good','used','lost')")
case("enum_to_varchar", "alter-enum", "ALTER TABLE book MODIFY grade VARCHAR(10)")
case("varchar_to_enum_unfit", "alter-enum", "ALTER TABLE book MODIFY spare ENUM('a','b')")
case("enum_append_past_255", "alter-enum", "ALTER TABLE hollow MODIFY a ENUM(%s)" % ",".join("'v%d'" % i for i in range(257)), setup=["ALTER TABLE hollow MODIFY a ENUM(%s)" % ",".join("'v%d'" % i for i in range(255))])
case("set_append", "alter-enum", "ALTER TABLE book MODIFY marks SET('new','sale','old','rare')")
case("set_append_past_8", "alter-enum", "ALTER TABLE book MODIFY marks SET('new','sale','old','d','e','f','g','h','i')")
case("set_remove_used", "alter-enum", "ALTER TABLE book MODIFY marks SET('new','sale')")
case("json_to_text", "alter-type", "ALTER TABLE doc MODIFY j LONGTEXT")
case("json_to_varchar", "alter-type", "ALTER TABLE doc MODIFY j VARCHAR(100)")
case("varchar_to_json_unfit", "alter-type", "ALTER TABLE doc MODIFY u JSON")
case("varchar_to_uuid", "alter-type", "ALTER TABLE doc MODIFY u UUID")

# --- MODIFY: nullability, default, comment, place
case("set_not_null", "set-not-null", "ALTER TABLE book MODIFY title VARCHAR(50) NOT NULL")
case("set_not_null_int", "set-not-null", "ALTER TABLE book MODIFY pages INT NOT NULL")
case("set_not_null_has_nulls", "set-not-null", "ALTER TABLE book MODIFY spare VARCHAR(10) NOT NULL")
case("set_not_null_has_nulls_default", "set-not-null", "ALTER TABLE book MODIFY spare VARCHAR(10) NOT NULL DEFAULT ''")
case("set_not_null_has_nulls_lax", "set-not-null", "ALTER TABLE book MODIFY spare VARCHAR(10) NOT NULL", sql_mode="NO_ENGINE_SUBSTITUTION")
case("set_not_null_and_widen", "set-not-null", "ALTER TABLE book MODIFY title VARCHAR(60) NOT NULL")
case("set_not_null_no_key", "set-not-null", "ALTER TABLE bare MODIFY a INT NOT NULL")
case("set_not_null_fulltext_table", "set-not-null", "ALTER TABLE article MODIFY extra INT NOT NULL")
case("set_not_null_fk_column", "set-not-null", "ALTER TABLE loan MODIFY shelf_id INT NOT NULL")
case("drop_not_null", "drop-not-null", "ALTER TABLE book MODIFY isbn VARCHAR(20)")
case("drop_not_null_int", "drop-not-null", "ALTER TABLE book MODIFY copies INT UNSIGNED DEFAULT 1")
case("drop_not_null_redundant", "drop-not-null", "ALTER TABLE redundant MODIFY d INT", setup=["ALTER TABLE redundant ADD COLUMN d INT NOT NULL DEFAULT 1, FORCE"])
case("drop_not_null_compressed", "drop-not-null", "ALTER TABLE packed MODIFY d INT", setup=["ALTER TABLE packed ADD COLUMN d INT NOT NULL DEFAULT 1, FORCE"])
case("drop_not_null_key", "drop-not-null", "ALTER TABLE wide4 MODIFY id INT NULL")
case("drop_not_null_and_widen", "drop-not-null", "ALTER TABLE book MODIFY isbn VARCHAR(40)")
case("modify_loses_default", "alter-default", "ALTER TABLE book MODIFY copies INT UNSIGNED NOT NULL")
case("modify_default_only", "alter-default", "ALTER TABLE book MODIFY copies INT UNSIGNED NOT NULL DEFAULT 2")
case("modify_comment_only", "comment", "ALTER TABLE book MODIFY spare VARCHAR(10) COMMENT 'kept'")
case("modify_same", "alter-type", "ALTER TABLE book MODIFY spare VARCHAR(10)")
case("modify_position_first", "reorder", "ALTER TABLE book MODIFY spare VARCHAR(10) FIRST")
case("modify_position_after", "reorder", "ALTER TABLE book MODIFY spare VARCHAR(10) AFTER isbn")
case("modify_position_and_widen", "reorder", "ALTER TABLE book MODIFY spare VARCHAR(20) AFTER isbn")
case("modify_position_fulltext_table", "reorder", "ALTER TABLE article MODIFY other VARCHAR(20) AFTER id")
case("modify_position_compressed", "reorder", "ALTER TABLE packed MODIFY c INT AFTER id")
case("modify_invisible", "visibility", "ALTER TABLE book MODIFY spare VARCHAR(10) INVISIBLE")
case("modify_on_update", "alter-default", "ALTER TABLE book MODIFY touched TIMESTAMP NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP")
case("modify_check_inline", "add-check", "ALTER TABLE book MODIFY pages INT CHECK (pages > 0)")
case("modify_default_expression", "alter-default", "ALTER TABLE book MODIFY spare VARCHAR(10) DEFAULT (CONCAT('a', 'b'))")
case("modify_missing", "fails", "ALTER TABLE book MODIFY nothing INT")
case("modify_if_exists_missing", "alter-type", "ALTER TABLE book MODIFY COLUMN IF EXISTS nothing INT")
case("modify_two_worst_wins", "alter-type", "ALTER TABLE book MODIFY spare VARCHAR(20), MODIFY pages BIGINT")
case("modify_two_instant", "alter-type-widen", "ALTER TABLE book MODIFY spare VARCHAR(20), ALTER COLUMN copies SET DEFAULT 4")
case("modify_instant_and_index", "alter-type-widen", "ALTER TABLE book MODIFY spare VARCHAR(20), ADD INDEX book_stars (stars)")
case("modify_plain_to_virtual", "alter-generated", "ALTER TABLE book MODIFY stars SMALLINT AS (pages % 10) VIRTUAL")
case("modify_plain_to_stored", "alter-generated", "ALTER TABLE book MODIFY stars SMALLINT AS (pages % 10) STORED")
case("modify_stored_to_plain", "alter-generated", "ALTER TABLE price MODIFY gross DECIMAL(10,2)")
case("modify_virtual_to_plain", "alter-generated", "ALTER TABLE price MODIFY half DECIMAL(10,4)")
case("modify_stored_expression", "alter-generated", "ALTER TABLE price MODIFY gross DECIMAL(10,2) AS (net + tax + 1) STORED")
case("modify_virtual_expression", "alter-generated", "ALTER TABLE price MODIFY half DECIMAL(10,4) AS (net / 4) VIRTUAL")
case("modify_virtual_to_stored", "alter-generated", "ALTER TABLE price MODIFY half DECIMAL(10,4) AS (net / 2) STORED")
case("modify_base_of_stored", "alter-type-widen", "ALTER TABLE price MODIFY net DECIMAL(12,2)")
case("alter_set_default", "alter-default", "ALTER TABLE book ALTER COLUMN pages SET DEFAULT 100")
case("alter_set_default_expression", "alter-default", "ALTER TABLE book ALTER COLUMN pages SET DEFAULT (1 + 1)")
case("alter_drop_default", "alter-default", "ALTER TABLE book ALTER COLUMN copies DROP DEFAULT")
case("alter_set_default_missing", "fails", "ALTER TABLE book ALTER COLUMN nothing SET DEFAULT 1")
case("alter_set_default_on_text", "alter-default", "ALTER TABLE book ALTER COLUMN blurb SET DEFAULT 'x'")

# --- Indexes and keys
case("add_index", "create-index", "ALTER TABLE book ADD INDEX book_stars (stars)")
case("add_index_two", "create-index", "ALTER TABLE book ADD INDEX book_stars (stars), ADD KEY book_cost (cost)")
case("add_index_prefix", "create-index", "ALTER TABLE book ADD INDEX book_blurb (blurb(20))")
case("add_index_text_no_length", "create-index", "ALTER TABLE book ADD INDEX book_blurb (blurb)")
case("add_index_desc", "create-index", "ALTER TABLE book ADD INDEX book_stars (stars DESC)")
case("add_index_ignored", "create-index", "ALTER TABLE book ADD INDEX book_stars (stars) IGNORED")
case("add_index_compressed", "create-index", "ALTER TABLE packed ADD INDEX packed_c (c)")
case("add_index_partitioned", "create-index", "ALTER TABLE ev ADD INDEX ev_v (v)")
case("add_index_no_key", "create-index", "ALTER TABLE bare ADD INDEX bare_a (a)")
case("add_index_virtual_column", "create-index", "ALTER TABLE price ADD INDEX price_half (half)")
case("add_index_fulltext_table", "create-index", "ALTER TABLE article ADD INDEX article_extra (extra)")
case("add_index_myisam", "create-index", "ALTER TABLE isam ADD INDEX isam_a (a)")
case("add_index_taken_name", "fails", "ALTER TABLE book ADD INDEX book_pages (stars)")
case("add_index_if_not_exists_there", "create-index", "ALTER TABLE book ADD INDEX IF NOT EXISTS book_pages (stars)")
case("add_index_missing_column", "fails", "ALTER TABLE book ADD INDEX x (nothing)")
case("add_index_too_long", "create-index", "ALTER TABLE book ADD INDEX x (long_one)", setup=["ALTER TABLE book ADD COLUMN long_one VARCHAR(1000)"])
case("add_index_redundant_too_long", "fails", "ALTER TABLE redundant ADD INDEX x (long_one)", setup=["ALTER TABLE redundant ADD COLUMN long_one VARCHAR(255)"])
case("add_unique", "create-unique", "ALTER TABLE book ADD UNIQUE KEY book_code (code)")
case("add_unique_duplicates", "create-unique", "ALTER TABLE book ADD UNIQUE KEY book_stars (stars)")
case("add_unique_duplicates_ignore", "create-unique", "ALTER IGNORE TABLE bare ADD UNIQUE KEY bare_c (c)")
case("add_unique_constraint", "create-unique", "ALTER TABLE book ADD CONSTRAINT book_code_u UNIQUE (code)")
case("add_unique_nulls", "create-unique", "ALTER TABLE book ADD UNIQUE (spare)")
case("add_unique_long_text", "create-unique", "ALTER TABLE book ADD UNIQUE KEY book_blurb (blurb)")
case("add_unique_partitioned_without_key", "fails", "ALTER TABLE ev ADD UNIQUE KEY ev_v (v)")
case("add_fulltext_first", "create-fulltext", "ALTER TABLE book ADD FULLTEXT KEY book_blurb_ft (blurb)")
case("add_fulltext_second", "create-fulltext", "ALTER TABLE article ADD FULLTEXT KEY article_head_ft (head)")
case("add_fulltext_two_at_once", "create-fulltext", "ALTER TABLE book ADD FULLTEXT KEY f1 (blurb), ADD FULLTEXT KEY f2 (title)")
case("add_spatial", "create-spatial", "ALTER TABLE place ADD SPATIAL INDEX place_pt (pt)")
case("add_primary_key", "add-primary-key", "ALTER TABLE bare ADD PRIMARY KEY (a)")
case("add_primary_key_not_null_column", "add-primary-key", "ALTER TABLE bare ADD PRIMARY KEY (a)", setup=["ALTER TABLE bare MODIFY a INT NOT NULL"])
case("add_primary_key_duplicates", "add-primary-key", "ALTER TABLE bare ADD PRIMARY KEY (c)")
case("add_primary_key_second", "fails", "ALTER TABLE book ADD PRIMARY KEY (isbn)")
case("drop_primary_key", "drop-primary-key", "ALTER TABLE wide4 DROP PRIMARY KEY")
case("drop_primary_key_unique_left", "drop-primary-key", "ALTER TABLE wide4 DROP PRIMARY KEY", setup=["ALTER TABLE wide4 ADD UNIQUE KEY (name)"])
case("drop_primary_key_auto_increment", "fails", "ALTER TABLE loan DROP PRIMARY KEY")
case("drop_primary_key_referenced", "drop-primary-key", "ALTER TABLE shelf MODIFY id INT NOT NULL, DROP PRIMARY KEY")
case("drop_primary_key_missing", "fails", "ALTER TABLE bare DROP PRIMARY KEY")
case("replace_primary_key", "replace-primary-key", "ALTER TABLE wide4 DROP PRIMARY KEY, ADD PRIMARY KEY (id, name)")
case("replace_primary_key_by_other", "replace-primary-key", "ALTER TABLE wide4 DROP PRIMARY KEY, ADD PRIMARY KEY (name)")
case("drop_index", "drop-index", "ALTER TABLE book DROP INDEX book_pages")
case("drop_unique", "drop-index", "ALTER TABLE book DROP INDEX book_isbn")
case("drop_key_word", "drop-index", "ALTER TABLE book DROP KEY book_pages")
case("drop_unique_as_constraint", "drop-constraint", "ALTER TABLE book DROP CONSTRAINT book_isbn")
case("drop_index_needed_by_fk", "drop-index", "ALTER TABLE loan DROP INDEX loan_book")
case("drop_index_needed_by_fk_replaced", "drop-index", "ALTER TABLE loan DROP INDEX loan_book, ADD INDEX loan_book2 (book_id)")
case("drop_index_needed_by_fk_no_checks", "drop-index", "ALTER TABLE loan DROP INDEX loan_book", setup=["SET foreign_key_checks=0"])
case("drop_index_missing", "fails", "ALTER TABLE book DROP INDEX nothing")
case("drop_index_if_exists_missing", "drop-index", "ALTER TABLE book DROP INDEX IF EXISTS nothing")
case("drop_fulltext", "drop-index", "ALTER TABLE article DROP INDEX article_ft")
case("drop_spatial", "drop-index", "ALTER TABLE mapped DROP INDEX mapped_pt")
case("drop_and_add_same_index", "create-index", "ALTER TABLE book DROP INDEX book_pages, ADD INDEX book_pages (pages, stars)")
case("rename_index", "rename-index", "ALTER TABLE book RENAME INDEX book_pages TO book_sheets")
case("rename_index_missing", "fails", "ALTER TABLE book RENAME INDEX nothing TO a")
case("rename_index_taken", "fails", "ALTER TABLE book RENAME INDEX book_pages TO book_title")
case("alter_index_ignored", "visibility", "ALTER TABLE book ALTER INDEX book_pages IGNORED")
case("alter_index_invisible", "visibility", "ALTER TABLE book ALTER INDEX book_pages INVISIBLE")
case("create_index", "create-index", "CREATE INDEX book_stars ON book (stars)")
case("create_unique_index", "create-unique", "CREATE UNIQUE INDEX book_code ON book (code)")
case("create_unique_index_duplicates", "create-unique", "CREATE UNIQUE INDEX bare_c ON bare (c)")
case("create_fulltext_index", "create-fulltext", "CREATE FULLTEXT INDEX book_ft ON book (blurb)")
case("create_spatial_index", "create-spatial", "CREATE SPATIAL INDEX place_pt ON place (pt)")
case("create_index_if_not_exists_there", "create-index", "CREATE INDEX IF NOT EXISTS book_pages ON book (stars)")
case("create_or_replace_index", "create-index", "CREATE OR REPLACE INDEX book_pages ON book (stars)")
case("create_index_expression", "create-index", "CREATE INDEX x ON book ((pages + 1))")
case("create_index_missing_table", "fails", "CREATE INDEX x ON nowhere (a)")
case("drop_index_statement", "drop-index", "DROP INDEX book_pages ON book")
case("drop_index_statement_missing", "fails", "DROP INDEX nothing ON book")
case("drop_index_statement_if_exists", "drop-index", "DROP INDEX IF EXISTS nothing ON book")
case("drop_primary_statement", "drop-primary-key", "DROP INDEX `PRIMARY` ON wide4")
case("drop_index_postgres_form", "fails", "DROP INDEX book_pages")

# --- Foreign keys and checks
case("add_fk", "add-fk", "ALTER TABLE book ADD CONSTRAINT book_shelf_fk FOREIGN KEY (shelf_ref) REFERENCES shelf (id)")
case("add_fk_no_checks", "add-fk", "ALTER TABLE book ADD CONSTRAINT book_shelf_fk FOREIGN KEY (shelf_ref) REFERENCES shelf (id)", setup=["SET foreign_key_checks=0"])
case("add_fk_no_checks_indexed", "add-fk", "ALTER TABLE book ADD CONSTRAINT book_shelf_fk FOREIGN KEY (shelf_ref) REFERENCES shelf (id)", setup=["ALTER TABLE book ADD INDEX book_shelf (shelf_ref)", "SET foreign_key_checks=0"])
case("add_fk_indexed", "add-fk", "ALTER TABLE book ADD CONSTRAINT book_shelf_fk FOREIGN KEY (shelf_ref) REFERENCES shelf (id)", setup=["ALTER TABLE book ADD INDEX book_shelf (shelf_ref)"])
case("add_fk_orphans", "add-fk", "ALTER TABLE loan ADD CONSTRAINT loan_shelf_fk FOREIGN KEY (shelf_id) REFERENCES shelf (id)")
case("add_fk_orphans_no_checks", "add-fk", "ALTER TABLE loan ADD CONSTRAINT loan_shelf_fk FOREIGN KEY (shelf_id) REFERENCES shelf (id)", setup=["SET foreign_key_checks=0"])
case("add_fk_cascade", "add-fk", "ALTER TABLE book ADD CONSTRAINT book_shelf_fk FOREIGN KEY (shelf_ref) REFERENCES shelf (id) ON DELETE CASCADE")
case("add_fk_set_null_on_not_null", "fails", "ALTER TABLE loan ADD CONSTRAINT x FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE SET NULL")
case("add_fk_type_differs", "fails", "ALTER TABLE book ADD CONSTRAINT x FOREIGN KEY (stars) REFERENCES shelf (id)")
case("add_fk_to_missing_table", "fails", "ALTER TABLE book ADD CONSTRAINT x FOREIGN KEY (shelf_ref) REFERENCES nowhere (id)")
case("add_fk_to_unindexed", "fails", "ALTER TABLE book ADD CONSTRAINT x FOREIGN KEY (spare) REFERENCES shelf (room)")
case("add_fk_empty_table", "add-fk", "ALTER TABLE hollow ADD CONSTRAINT hollow_shelf_fk FOREIGN KEY (b) REFERENCES shelf (id)")
case("add_fk_taken_name", "fails", "ALTER TABLE book ADD CONSTRAINT slot_shelf_fk FOREIGN KEY (shelf_ref) REFERENCES shelf (id)")
case("drop_fk", "drop-fk", "ALTER TABLE loan DROP FOREIGN KEY loan_book_fk")
case("drop_fk_as_constraint", "drop-fk", "ALTER TABLE loan DROP CONSTRAINT loan_book_fk")
case("drop_fk_missing", "fails", "ALTER TABLE loan DROP FOREIGN KEY nothing")
case("drop_fk_if_exists_missing", "drop-fk", "ALTER TABLE loan DROP FOREIGN KEY IF EXISTS nothing")
case("drop_and_add_fk", "replace-fk", "ALTER TABLE loan DROP FOREIGN KEY loan_book_fk, ADD CONSTRAINT loan_book_fk2 FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE")
case("drop_and_add_fk_same_name", "replace-fk", "ALTER TABLE loan DROP FOREIGN KEY loan_book_fk, ADD CONSTRAINT loan_book_fk FOREIGN KEY (book_id) REFERENCES book (id) ON DELETE CASCADE")
case("drop_fk_and_index", "drop-fk", "ALTER TABLE loan DROP FOREIGN KEY loan_book_fk, DROP INDEX loan_book")
case("add_check", "add-check", "ALTER TABLE book ADD CONSTRAINT book_pages_positive CHECK (pages > 0)")
case("add_check_unnamed", "add-check", "ALTER TABLE book ADD CHECK (pages > 0)")
case("add_check_violated", "add-check", "ALTER TABLE book ADD CONSTRAINT book_pages_small CHECK (pages < 10)")
case("add_check_no_checks", "add-check", "ALTER TABLE book ADD CONSTRAINT book_pages_small CHECK (pages < 10)", setup=["SET check_constraint_checks=0"])
case("add_check_taken_name", "fails", "ALTER TABLE price ADD CONSTRAINT price_floor CHECK (id > 0)")
case("drop_check", "drop-check", "ALTER TABLE price DROP CONSTRAINT price_floor")
case("drop_check_mysql_word", "drop-check", "ALTER TABLE price DROP CHECK price_floor")
case("drop_constraint_missing", "fails", "ALTER TABLE price DROP CONSTRAINT nothing")
case("drop_constraint_if_exists_missing", "drop-check", "ALTER TABLE price DROP CONSTRAINT IF EXISTS nothing")
case("drop_column_check_by_modify", "drop-check", "ALTER TABLE price MODIFY qty INT")

# --- Table options
case("engine_same", "rebuild", "ALTER TABLE book ENGINE=InnoDB")
case("engine_other", "engine", "ALTER TABLE bare ENGINE=MyISAM")
case("engine_other_referenced", "fails", "ALTER TABLE book ENGINE=MyISAM")
case("engine_from_myisam", "engine", "ALTER TABLE isam ENGINE=InnoDB")
case("engine_unknown", "fails", "ALTER TABLE bare ENGINE=Nothing")
case("engine_same_fulltext", "rebuild", "ALTER TABLE article ENGINE=InnoDB")
case("engine_same_compressed", "rebuild", "ALTER TABLE packed ENGINE=InnoDB")
case("force", "rebuild", "ALTER TABLE book FORCE")
case("row_format_other", "rebuild", "ALTER TABLE book ROW_FORMAT=COMPACT")
case("row_format_same", "rebuild", "ALTER TABLE book ROW_FORMAT=DYNAMIC")
case("row_format_compressed", "rebuild", "ALTER TABLE book ROW_FORMAT=COMPRESSED")
case("key_block_size", "rebuild", "ALTER TABLE book KEY_BLOCK_SIZE=8")
case("auto_increment_value", "table-option", "ALTER TABLE book AUTO_INCREMENT=10000")
case("auto_increment_value_lower", "table-option", "ALTER TABLE book AUTO_INCREMENT=5")
case("comment_table", "comment", "ALTER TABLE book COMMENT='the books'")
case("stats_option", "table-option", "ALTER TABLE book STATS_PERSISTENT=1, STATS_SAMPLE_PAGES=30")
case("checksum_option", "table-option", "ALTER TABLE book CHECKSUM=1")
case("max_rows_option", "table-option", "ALTER TABLE book MAX_ROWS=1000000")
case("page_compressed", "table-option", "ALTER TABLE book PAGE_COMPRESSED=1")
case("encrypted_option", "table-option", "ALTER TABLE book ENCRYPTED=NO")
case("default_charset", "table-option", "ALTER TABLE book DEFAULT CHARACTER SET latin1")
case("default_charset_old_form", "table-option", "ALTER TABLE old3 CHARSET=utf8mb4")
case("convert_charset_same", "convert-charset", "ALTER TABLE wide4 CONVERT TO CHARACTER SET utf8mb4")
case("convert_charset_collation", "convert-charset", "ALTER TABLE wide4 CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
case("convert_charset_latin1_to_utf8mb4", "convert-charset", "ALTER TABLE old1 CONVERT TO CHARACTER SET utf8mb4")
case("convert_charset_utf8mb3_to_utf8mb4", "convert-charset", "ALTER TABLE old3 CONVERT TO CHARACTER SET utf8mb4")
case("convert_charset_utf8mb3_no_text", "convert-charset", "ALTER TABLE thin3 CONVERT TO CHARACTER SET utf8mb4", setup=["CREATE TABLE thin3 (id INT PRIMARY KEY, v VARCHAR(30)) ENGINE=InnoDB CHARSET=utf8mb3", "INSERT INTO thin3 VALUES (1, 'a')"])
case("convert_charset_utf8mb3_no_text_across", "convert-charset", "ALTER TABLE thin3 CONVERT TO CHARACTER SET utf8mb4", setup=["CREATE TABLE thin3 (id INT PRIMARY KEY, v VARCHAR(80)) ENGINE=InnoDB CHARSET=utf8mb3", "INSERT INTO thin3 VALUES (1, 'a')"])
case("convert_charset_no_strings", "convert-charset", "ALTER TABLE slot CONVERT TO CHARACTER SET latin1")
case("convert_charset_narrowing", "convert-charset", "ALTER TABLE wide4 CONVERT TO CHARACTER SET latin1")
case("convert_charset_narrowing_lax", "convert-charset", "ALTER TABLE wide4 CONVERT TO CHARACTER SET latin1", sql_mode="NO_ENGINE_SUBSTITUTION")
case("convert_charset_narrowing_fits", "convert-charset", "ALTER TABLE ev CONVERT TO CHARACTER SET latin1")
case("convert_charset_with_fk", "convert-charset", "ALTER TABLE loan CONVERT TO CHARACTER SET latin1")
case("order_by", "rebuild", "ALTER TABLE bare ORDER BY c")
case("disable_keys", "table-option", "ALTER TABLE book DISABLE KEYS")
case("enable_keys", "table-option", "ALTER TABLE book ENABLE KEYS")
case("discard_tablespace", "tablespace", "ALTER TABLE hollow DISCARD TABLESPACE")
case("discard_tablespace_rows", "tablespace", "ALTER TABLE wide4 DISCARD TABLESPACE")
case("rename_table_alter", "rename-table", "ALTER TABLE book RENAME TO volume")
case("rename_table_statement", "rename-table", "RENAME TABLE book TO volume")
case("rename_table_swap", "rename-table", "RENAME TABLE ev_loose TO tmp_swap, hollow TO ev_loose, tmp_swap TO hollow", renames={"ev_loose": "hollow", "hollow": "ev_loose"})
case("rename_table_taken", "fails", "RENAME TABLE book TO shelf")
case("rename_table_missing", "fails", "RENAME TABLE nowhere TO here")
case("rename_table_and_add", "rename-table", "ALTER TABLE hollow RENAME TO hull, ADD COLUMN z INT", renames={"hollow": "hull"})
case("versioning_add", "versioning", "ALTER TABLE hollow ADD SYSTEM VERSIONING")
case("versioning_add_rows", "versioning", "ALTER TABLE wide4 ADD SYSTEM VERSIONING")
case("versioning_drop", "versioning", "ALTER TABLE log DROP SYSTEM VERSIONING")
case("period_add", "versioning", "ALTER TABLE loan ADD COLUMN d1 DATE NOT NULL DEFAULT '2020-01-01', ADD COLUMN d2 DATE NOT NULL DEFAULT '2021-01-01', ADD PERIOD FOR shown (d1, d2)")
case("empty_alter", "table-option", "ALTER TABLE book")
case("alter_online", "add-column", "ALTER ONLINE TABLE book ADD COLUMN z INT")
case("alter_online_copy", "alter-type", "ALTER ONLINE TABLE book MODIFY pages BIGINT")
case("alter_wait", "add-column", "ALTER TABLE book WAIT 5 ADD COLUMN z INT")
case("alter_nowait", "add-column", "ALTER TABLE book NOWAIT ADD COLUMN z INT")

# --- Partitions
case("partition_by", "partition", "ALTER TABLE ev_loose PARTITION BY RANGE (yr) (PARTITION p0 VALUES LESS THAN (2021), PARTITION p1 VALUES LESS THAN MAXVALUE)")
case("partition_by_hash", "partition", "ALTER TABLE wide4 PARTITION BY HASH (id) PARTITIONS 4")
case("partition_by_unfit_rows", "partition", "ALTER TABLE ev_loose PARTITION BY RANGE (yr) (PARTITION p0 VALUES LESS THAN (2000))")
case("partition_by_with_fk", "fails", "ALTER TABLE loan PARTITION BY HASH (id) PARTITIONS 4")
case("partition_by_without_key", "fails", "ALTER TABLE wide4 PARTITION BY KEY (name) PARTITIONS 2")
case("partition_remove", "partition", "ALTER TABLE ev REMOVE PARTITIONING")
case("partition_add", "partition", "ALTER TABLE ev ADD PARTITION (PARTITION p2022 VALUES LESS THAN (2023))")
case("partition_add_not_higher", "fails", "ALTER TABLE ev ADD PARTITION (PARTITION p2000 VALUES LESS THAN (2000))")
case("partition_add_hash", "partition", "ALTER TABLE hashed ADD PARTITION PARTITIONS 2")
case("partition_coalesce", "partition", "ALTER TABLE hashed COALESCE PARTITION 2")
case("partition_drop", "partition-drop", "ALTER TABLE ev DROP PARTITION p2019")
case("partition_drop_missing", "fails", "ALTER TABLE ev DROP PARTITION nothing")
case("partition_truncate", "partition-drop", "ALTER TABLE ev TRUNCATE PARTITION p2019")
case("partition_reorganize", "partition", "ALTER TABLE ev REORGANIZE PARTITION p2019, p2020 INTO (PARTITION pold VALUES LESS THAN (2021))")
case("partition_reorganize_list", "partition", "ALTER TABLE listed REORGANIZE PARTITION pa INTO (PARTITION pa1 VALUES IN (1), PARTITION pa2 VALUES IN (2))")
case("partition_exchange", "partition", "ALTER TABLE ev EXCHANGE PARTITION p2020 WITH TABLE ev_loose")
case("partition_exchange_unfit", "partition", "ALTER TABLE ev EXCHANGE PARTITION p2019 WITH TABLE ev_loose")
case("partition_rebuild", "partition", "ALTER TABLE ev REBUILD PARTITION p2019")
case("partition_optimize", "partition", "ALTER TABLE ev OPTIMIZE PARTITION p2019")
case("partition_analyze", "partition", "ALTER TABLE ev ANALYZE PARTITION p2019")
case("partition_check", "partition", "ALTER TABLE ev CHECK PARTITION p2019")

# --- Whole tables
case("create_table", "create-table", "CREATE TABLE fresh (id INT PRIMARY KEY, v VARCHAR(10))")
case("create_table_fk", "create-table", "CREATE TABLE fresh (id INT PRIMARY KEY, shelf_id INT, FOREIGN KEY (shelf_id) REFERENCES shelf (id))")
case("create_table_there", "fails", "CREATE TABLE book (id INT PRIMARY KEY)")
case("create_table_if_not_exists_there", "create-table", "CREATE TABLE IF NOT EXISTS book (id INT PRIMARY KEY)")
case("create_or_replace_table", "drop-table", "CREATE OR REPLACE TABLE bare (id INT PRIMARY KEY)")
case("create_table_like", "create-table", "CREATE TABLE fresh LIKE book")
case("create_table_as", "create-table", "CREATE TABLE fresh AS SELECT id, title FROM book")
case("create_temporary_table", "create-table", "CREATE TEMPORARY TABLE fresh (id INT PRIMARY KEY)")
case("create_table_row_too_large", "fails", "CREATE TABLE fresh (a VARCHAR(16383), b VARCHAR(16383)) CHARACTER SET utf8mb4")
case("create_table_two_auto_increment", "fails", "CREATE TABLE fresh (a INT AUTO_INCREMENT PRIMARY KEY, b INT AUTO_INCREMENT UNIQUE)")
case("drop_table", "drop-table", "DROP TABLE bare")
case("drop_table_empty", "drop-table", "DROP TABLE hollow")
case("drop_table_referenced", "drop-table", "DROP TABLE book")
case("drop_table_referenced_no_checks", "drop-table", "DROP TABLE book", setup=["SET foreign_key_checks=0"])
case("drop_table_with_child", "drop-table", "DROP TABLE loan, book")
case("drop_table_parent_then_child", "drop-table", "DROP TABLE book, loan")
case("drop_table_cascade_word", "drop-table", "DROP TABLE book CASCADE")
case("drop_table_missing", "fails", "DROP TABLE nowhere")
case("drop_table_if_exists_missing", "drop-table", "DROP TABLE IF EXISTS nowhere")
case("drop_table_one_missing", "drop-table", "DROP TABLE bare, nowhere")
case("drop_table_child", "drop-table", "DROP TABLE loan")
case("truncate", "truncate", "TRUNCATE TABLE bare")
case("truncate_child", "truncate", "TRUNCATE loan")
case("truncate_referenced", "truncate", "TRUNCATE TABLE book")
case("truncate_referenced_no_checks", "truncate", "TRUNCATE TABLE book", setup=["SET foreign_key_checks=0"])
case("truncate_versioned", "truncate", "TRUNCATE TABLE log")
case("optimize_table", "rebuild", "OPTIMIZE TABLE book")
case("optimize_fulltext", "rebuild", "OPTIMIZE TABLE article")
case("analyze_table", "analyze", "ANALYZE TABLE book")
case("check_table", "analyze", "CHECK TABLE book")
case("repair_innodb", "rebuild", "REPAIR TABLE book")
case("repair_myisam", "rebuild", "REPAIR TABLE isam")
case("drop_view", "drop-view", "DROP VIEW book_v")
case("create_or_replace_view", "view", "CREATE OR REPLACE VIEW book_v AS SELECT id FROM book")
case("create_view_missing_column", "fails", "CREATE VIEW v2 AS SELECT nothing FROM book")
case("drop_trigger", "drop-trigger", "DROP TRIGGER shelf_trg")
case("create_trigger", "trigger", "CREATE TRIGGER book_t BEFORE INSERT ON book FOR EACH ROW SET NEW.spare = 'x'")
case("lock_tables", "lock", "LOCK TABLES book WRITE")
case("set_variable", "set", "SET SESSION lock_wait_timeout = 5")
case("grant", "grant", "GRANT SELECT ON truth.book TO CURRENT_USER()")
case("drop_database", "drop-table", "DROP DATABASE truth_other", setup=["CREATE DATABASE IF NOT EXISTS truth_other"])

# --- DML
case("update_all", "dml-unbounded", "UPDATE book SET stars = stars + 1")
case("update_by_key", "dml-bounded", "UPDATE book SET stars = 7 WHERE id = 5")
case("update_by_unindexed", "dml-unbounded", "UPDATE book SET stars = 7 WHERE spare = 'p5'")
case("update_fill_nulls", "backfill", "UPDATE book SET spare = 'none' WHERE spare IS NULL")
case("update_new_column", "backfill", "UPDATE book SET fresh = 1", setup=["ALTER TABLE book ADD COLUMN fresh INT"])
case("update_too_long", "fails", "UPDATE book SET spare = 'more than ten characters'")
case("update_too_long_lax", "dml-unbounded", "UPDATE book SET spare = 'more than ten characters'", sql_mode="NO_ENGINE_SUBSTITUTION")
case("update_duplicate", "fails", "UPDATE book SET isbn = 'same'")
case("update_null_into_not_null", "fails", "UPDATE book SET isbn = NULL")
case("update_fk_missing_parent", "fails", "UPDATE loan SET book_id = 99999")
case("update_referenced_key", "fails", "UPDATE book SET id = id + 100000")
case("update_check_violated", "fails", "UPDATE price SET floor_price = -1")
case("update_missing_column", "fails", "UPDATE book SET nothing = 1")
case("update_generated", "fails", "UPDATE price SET gross = 1")
case("delete_all", "dml-unbounded", "DELETE FROM loan")
case("delete_by_key", "dml-bounded", "DELETE FROM loan WHERE id = 3")
case("delete_none", "dml-bounded", "DELETE FROM loan WHERE id = -1")
case("delete_referenced", "fails", "DELETE FROM book")
case("delete_cascading", "dml-unbounded", "DELETE FROM shelf WHERE id <= 5")
case("delete_limit", "dml-bounded", "DELETE FROM loan LIMIT 10")
case("insert_select", "insert", "INSERT INTO hollow SELECT id, spare, pages FROM book")
case("insert_row", "insert", "INSERT INTO hollow VALUES (1, 'a', 2)")
case("insert_duplicate", "fails", "INSERT INTO shelf (id, code) VALUES (1, 'new')")
case("insert_ignore_duplicate", "insert", "INSERT IGNORE INTO shelf (id, code) VALUES (1, 'new')")
case("insert_on_duplicate", "insert", "INSERT INTO shelf (id, code) VALUES (1, 'new') ON DUPLICATE KEY UPDATE code = 'changed'")
case("insert_missing_required", "fails", "INSERT INTO shelf (room) VALUES ('r')")
case("insert_no_parent", "fails", "INSERT INTO loan (book_id) VALUES (99999)")
case("insert_column_count", "fails", "INSERT INTO hollow VALUES (1, 'a')")
case("replace_row", "replace", "REPLACE INTO wide4 VALUES (1, 'other')")
case("replace_parent_row", "replace", "REPLACE INTO shelf (id, code) VALUES (1, 'other')")
case("replace_restricted_parent_row", "replace", "REPLACE INTO book (id, isbn) VALUES (1, 'other')")
case("syntax_error", "fails", "ALTER TABLE book ADD COLUMN")
case("postgres_alter_type", "fails", "ALTER TABLE book ALTER COLUMN pages TYPE BIGINT")
case("postgres_set_not_null", "fails", "ALTER TABLE book ALTER COLUMN pages SET NOT NULL")
case("alter_sequence_missing", "fails", "ALTER SEQUENCE nothing RESTART 1")
case("create_sequence", "create-table", "CREATE SEQUENCE numbers START WITH 1")


# --- Observation

def statements(text):
    return [s.strip() for s in re.split(r";\s*$", re.sub(r"^--.*$", "", text, flags=re.M), flags=re.M) if s.strip()]


class Server:
    def __init__(self, options):
        self.options = options
        one = self.connect(None)
        with one.cursor() as c:
            c.execute("SELECT VERSION(), @@sql_mode")
            self.version, self.sql_mode = c.fetchone()
        self.mysql = "MariaDB" not in self.version
        one.close()
        with open(os.path.join(HERE, "mariadb_schema.sql"), encoding="utf-8") as f:
            self.schema = statements(f.read())
        self.unknown = set()
        self.clean = False

    def connect(self, database="truth"):
        return pymysql.connect(unix_socket=self.options.socket, user=self.options.user, password=self.options.password,
                               database=database, charset="utf8mb4", autocommit=True)

    def renew(self):
        """A fresh copy of the schema, unless the last attempt left it as it was."""
        if self.clean:
            return
        one = self.connect(None)
        with one.cursor() as c:
            c.execute("SET foreign_key_checks=0")
            c.execute("DROP DATABASE IF EXISTS truth")
            c.execute("DROP DATABASE IF EXISTS truth_other")
            c.execute("CREATE DATABASE truth CHARACTER SET utf8mb4")
            c.execute("USE truth")
            c.execute("SET SESSION sql_mode=%s", (STRICT,))
            for s in self.schema:
                try:
                    c.execute(s)
                except pymysql.MySQLError as e:
                    if s not in self.unknown:
                        self.unknown.add(s)
                        print("schema: ", e.args, s[:80], file=sys.stderr)
        one.close()
        self.clean = True


def error_text(e):
    return "%s: %s" % (e.args[0], re.sub(r"`truth`\.|truth\.|#sql-[\w-]+", lambda m: "#sql" if m.group().startswith("#") else m.group(), str(e.args[1])))


def snapshot(connection):
    """Tables with their columns, rows, guarantees and InnoDB ids."""
    seen = {"tables": {}, "objects": {}, "ids": {}}
    with connection.cursor() as c:
        c.execute("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema='truth'")
        listed = [(t, k) for t, k in c.fetchall() if t != "witness"]
        for table, kind in listed:
            seen["objects"][("view" if "VIEW" in kind else "table", table)] = ""
        c.execute("SELECT table_name, column_name, is_nullable, COALESCE(column_default,'-'), column_type, extra, COALESCE(generation_expression,'') FROM information_schema.columns WHERE table_schema='truth' ORDER BY table_name, ordinal_position")
        columns = {}
        for t, col, nullable, default, kind, extra, expression in c.fetchall():
            columns.setdefault(t, {})[col] = (nullable, default, kind, extra, expression)
        for table, kind in listed:
            if "VIEW" in kind or "SEQUENCE" in kind:
                continue
            names = list(columns.get(table, {}))
            try:
                c.execute("SELECT %s FROM `%s`" % (", ".join("`%s`" % n for n in names), table))
                rows = list(c.fetchall())
            except pymysql.MySQLError:
                rows = []
            seen["tables"][table] = {"columns": columns.get(table, {}), "names": names, "rows": rows}
            if "VERSIONED" in kind:
                c.execute("SELECT COUNT(*) FROM `%s` FOR SYSTEM_TIME ALL" % table)
                seen["tables"][table]["all_versions"] = c.fetchone()[0]
        c.execute("SELECT table_name, index_name, GROUP_CONCAT(column_name ORDER BY seq_in_index), MIN(non_unique) FROM information_schema.statistics WHERE table_schema='truth' GROUP BY 1, 2")
        for t, i, cols, non_unique in c.fetchall():
            seen["objects"][("index", "%s.%s" % (t, i))] = "%s %s" % (cols, non_unique)
        c.execute("SELECT table_name, constraint_name, constraint_type FROM information_schema.table_constraints WHERE table_schema='truth'")
        for t, i, kind in c.fetchall():
            if kind in ("FOREIGN KEY", "CHECK"):
                seen["objects"][(kind.lower(), "%s.%s" % (t, i))] = ""
        c.execute("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema='truth'")
        for (t,) in c.fetchall():
            seen["objects"][("trigger", t)] = ""
        for view in ("INNODB_SYS_TABLES", "INNODB_TABLES"):
            try:
                c.execute("SELECT name, table_id FROM information_schema.%s WHERE name LIKE 'truth/%%'" % view)
            except pymysql.MySQLError:
                continue
            for name, number in c.fetchall():
                if "FTS_" not in name:
                    seen["ids"][name.split("/")[1]] = number
            break
    return seen


def changed_columns(connection, table, before, after, renamed):
    """Columns whose values do not come back when they are converted to their old type."""
    old, new = before["tables"][table], after["tables"][table]
    pairs = [(o, renamed.get((table, o), o)) for o in old["names"] if renamed.get((table, o), o) in new["names"]]
    pairs = [(o, n) for o, n in pairs if not old["columns"][o][4] and "GENERATED" not in old["columns"][o][3]]
    changed = []
    key_old = old["names"][0]
    key_new = renamed.get((table, key_old), key_old)
    if key_new not in new["names"]:
        return []
    ko, kn = old["names"].index(key_old), new["names"].index(key_new)
    with connection.cursor() as c:
        c.execute("SET SESSION sql_mode='NO_ENGINE_SUBSTITUTION'")
        c.execute("DROP TEMPORARY TABLE IF EXISTS back")
        for o, n in pairs:
            want = {str(r[ko]): r[old["names"].index(o)] for r in old["rows"]}
            have = {str(r[kn]): r[new["names"].index(n)] for r in new["rows"]}
            if old["columns"][o][2] != new["columns"][n][2]:
                key_type = old["columns"][key_old][2]
                c.execute("CREATE TEMPORARY TABLE back (back_key %s, v %s CHARACTER SET utf8mb4)" % (key_type, old["columns"][o][2])
                          if re.match(r"(var)?char|.*text|enum|set", old["columns"][o][2])
                          else "CREATE TEMPORARY TABLE back (back_key %s, v %s NULL)" % (key_type, old["columns"][o][2]))
                try:
                    c.execute("INSERT IGNORE INTO back SELECT `%s`, `%s` FROM `%s`" % (key_new, n, table))
                    c.execute("SELECT back_key, v FROM back")
                    have = {str(k): v for k, v in c.fetchall()}
                except pymysql.MySQLError as e:
                    print("back:", table, o, e.args, file=sys.stderr)
                c.execute("DROP TEMPORARY TABLE back")
            if any(k in have and have[k] != want[k] for k in want):
                changed.append("%s.%s" % (table, o))
    return changed


def judge(connection, before, after, renames):
    """What is gone or changed, and the loss in the words of the contract."""
    found = {}
    moved = dict(renames)
    gone_tables = [t for t in before["tables"] if t not in after["tables"]]
    new_tables = [t for t in after["tables"] if t not in before["tables"]]
    for t in [] if renames else gone_tables:
        for n in new_tables:
            if after["tables"][n]["rows"] == before["tables"][t]["rows"] and before["tables"][t]["rows"]:
                moved[t] = n
    tables_gone = [t for t in gone_tables if t not in moved]
    rows_lost, rows_moved, columns_gone, renamed, values, weaker = {}, {}, [], {}, [], []
    filled = []
    for t, old in before["tables"].items():
        if t in tables_gone:
            if old["rows"]:
                rows_lost[t] = len(old["rows"])
            continue
        if t in moved:
            continue
        new = after["tables"][t]
        for col in old["names"]:
            if col in new["names"]:
                if old["columns"][col][0] == "NO" and new["columns"][col][0] == "YES":
                    weaker.append("%s.%s not null" % (t, col))
                if old["columns"][col][1] not in ("-", "NULL") and new["columns"][col][1] in ("-", "NULL"):
                    weaker.append("%s.%s default" % (t, col))
                continue
            columns_gone.append("%s.%s" % (t, col))
            extra = [n for n in new["names"] if n not in old["names"]]
            at = old["names"].index(col)
            same = [n for n in extra if new["names"].index(n) == at and len(old["names"]) == len(new["names"])]
            held = [r[at] for r in old["rows"]]
            same += [n for n in extra if held and any(v is not None for v in held) and [r[new["names"].index(n)] for r in new["rows"]] == held]
            if same:
                renamed[(t, col)] = same[0]
                if old["columns"][col][0] == "NO" and new["columns"][same[0]][0] == "YES":
                    weaker.append("%s.%s not null" % (t, col))
        k = old["names"][0]
        kn = renamed.get((t, k), k)
        if kn in new["names"]:
            left = [str(r[new["names"].index(kn)]) for r in new["rows"]]
            for r in old["rows"]:
                if str(r[0]) in left:
                    left.remove(str(r[0]))
                elif any(r in other["rows"] and r not in before["tables"].get(o, {"rows": []})["rows"] for o, other in after["tables"].items() if o != t):
                    rows_moved[t] = rows_moved.get(t, 0) + 1
                else:
                    rows_lost[t] = rows_lost.get(t, 0) + 1
        elif len(new["rows"]) < len(old["rows"]):
            rows_lost[t] = len(old["rows"]) - len(new["rows"])
        if "all_versions" in old and new.get("all_versions", len(new["rows"])) < old["all_versions"]:
            rows_lost.setdefault(t, old["all_versions"] - new.get("all_versions", len(new["rows"])))
        for col in changed_columns(connection, t, before, after, renamed):
            name = col.split(".")[1]
            i = old["names"].index(name)
            was_null = {str(r[0]) for r in old["rows"] if r[i] is None}
            j = new["names"].index(renamed.get((t, name), name))
            now = {str(r[new["names"].index(kn)]): r[j] for r in new["rows"]}
            only_filled = old["columns"][name][0] == "YES" and all(
                str(r[0]) in was_null or now.get(str(r[0])) == r[i] for r in old["rows"])
            (filled if only_filled else values).append(col)
    objects_gone = []
    by_definition = [(k[0], k[1].split(".")[0], d) for k, d in after["objects"].items() if k[0] == "index"]
    for k, d in before["objects"].items():
        if k in after["objects"]:
            continue
        table = k[1].split(".")[0]
        for (t, old), new in renamed.items():
            if t == table:
                d = re.sub(r"\b%s\b" % old, new, d)
        if k[0] != "table" and table in moved:
            continue
        if k[0] == "index" and any(n == "index" and t == table and d == e for n, t, e in by_definition):
            continue
        if k[0] == "table" and table in moved:
            continue
        objects_gone.append("%s %s" % k)
    if rows_lost:
        found["rows_lost"] = rows_lost
    if rows_moved:
        found["rows_moved"] = rows_moved
    if columns_gone:
        found["columns_gone"] = columns_gone
    if values:
        found["values_changed"] = values
    if filled:
        found["nulls_filled"] = filled
    if objects_gone:
        found["objects_gone"] = objects_gone
    if weaker:
        found["guarantees_gone"] = weaker
    if moved:
        found["renamed"] = moved
    plain_gone = [c for c in columns_gone if tuple(c.split(".")) not in renamed]
    generated_only = all("GENERATED" in before["tables"][c.split(".")[0]]["columns"][c.split(".")[1]][3] for c in plain_gone)
    if rows_lost or tables_gone or (plain_gone and not generated_only):
        found["data_loss"] = "high"
    elif values:
        found["data_loss"] = "medium"
    elif filled or objects_gone or weaker or plain_gone:
        found["data_loss"] = "low"
    else:
        found["data_loss"] = "none"
    return found


def reads_tables(statement, server):
    """Whether the handler counters speak of the user's tables; MySQL counts its dictionary too."""
    return not server.mysql or re.match("UPDATE|DELETE|INSERT|REPLACE|CREATE TABLE .* SELECT", statement)


def with_clause(statement, clause, mysql):
    m = re.match(r"ALTER (?:ONLINE |IGNORE )?TABLE (?:IF EXISTS )?\S+(?: (?:NO)?WAIT(?: \d+)?)?(?= |$)", statement)
    if m:
        rest = statement[m.end():].strip()
        whole_partition = re.match(r"PARTITION BY|REMOVE PARTITIONING", rest)
        if re.match(r"(ADD|DROP|TRUNCATE|REORGANIZE|EXCHANGE|REBUILD|OPTIMIZE|ANALYZE|CHECK|COALESCE) PARTITION", rest):
            return m.group() + " " + clause + ", " + rest if mysql else None
        return "%s %s%s%s" % (m.group(), clause, " " if whole_partition or not rest else ", ", rest)
    if re.match(r"(CREATE (OR REPLACE )?(UNIQUE |FULLTEXT |SPATIAL )?INDEX|DROP INDEX)\b", statement) and " ON " in statement:
        return statement + " " + clause
    return None


def rows_read(c):
    c.execute("SHOW SESSION STATUS WHERE variable_name IN ('Handler_read_rnd_next', 'Handler_read_next', 'Handler_read_prev', 'Handler_read_rnd')")
    return sum(int(n) for _, n in c.fetchall())


def attempt(server, options, statement, watched, session=()):
    """One run; (error, committed, before, after, connection)."""
    server.renew()
    connection = server.connect()
    setup = options.get("setup", [])
    with connection.cursor() as c:
        c.execute("SET SESSION sql_mode=%s", (options.get("sql_mode", STRICT),))
        c.execute("SET SESSION lock_wait_timeout=20")
        for s in setup:
            c.execute(s)
            if not s.startswith("SET "):
                server.clean = False
        before = snapshot(connection) if watched else None
        for s in session:
            c.execute(s)
        c.execute("BEGIN")
        c.execute("INSERT INTO witness VALUES (1)")
        error = None
        start = rows_read(c)
        overhead = rows_read(c)
        start, overhead = overhead, overhead - start
        try:
            c.execute(statement)
            answer = list(c.fetchall()) if c.description else []
            read = rows_read(c) - start - overhead
            said = [" ".join(str(v) for v in r[2:]) for r in answer]
            said = [s for s in said if "rror" in s or "not support" in s or "recreate" in s]
        except pymysql.MySQLError as e:
            error, said, read = error_text(e), [], 0
        c.execute("SHOW WARNINGS")
        warnings = sorted({"%s: %s" % (r[1], r[2]) for r in c.fetchall()})[:3]
        after = None
        if watched and (error is None or statement.startswith("DROP TABLE")):
            try:
                c.execute("UNLOCK TABLES" if statement.startswith("LOCK") else "DO 0")
                with_rows = snapshot(connection)
                after = with_rows
                found = judge(connection, before, after, options.get("renames", {}))
            except pymysql.MySQLError as e:
                print("judge:", statement, e.args, file=sys.stderr)
                found = {"data_loss": "none"}
        else:
            found = {"data_loss": "none"}
        c.execute("ROLLBACK")
        other = server.connect()
        with other.cursor() as o:
            o.execute("SELECT COUNT(*) FROM witness")
            committed = o.fetchone()[0] == 1
            o.execute("DELETE FROM witness")
        other.close()
    connection.close()
    if error is None or not re.match(r"(1845|1846|1064|1060|1054|1091|1072|1061|1146|1050|4161|1176): ", error):
        server.clean = False
    return error, committed, before, after, found, warnings, said, read


def observe(server, name, hazard, statement, options):
    seen = {"id": name, "hazard": hazard}
    if options.get("setup"):
        seen["setup"] = options["setup"]
    if "sql_mode" in options:
        seen["sql_mode"] = options["sql_mode"]
    seen["statement"] = statement
    refused = {}
    by_variable = False
    if with_clause(statement, "LOCK=NONE", server.mysql):
        for word, choices, field in (("ALGORITHM", ALGORITHMS, "min_algorithm"), ("LOCK", LOCKS, "min_lock")):
            for choice in choices:
                if choice == "NOCOPY" and server.mysql:
                    continue
                error = attempt(server, options, with_clause(statement, "%s=%s" % (word, choice), server.mysql), False)[0]
                if error is None:
                    seen[field] = choice
                    break
                refused[choice] = error
    if statement.startswith("DROP INDEX") and refused and all(r.startswith("1064") for r in refused.values()):
        refused = {}
        if not server.mysql and not server.version.startswith("11."):
            by_variable = True
            for choice in ALGORITHMS:
                error = attempt(server, options, statement, False, ["SET SESSION alter_algorithm=%s" % choice])[0]
                if error is None:
                    seen["min_algorithm"] = choice
                    break
                refused[choice] = error
    error, committed, before, after, found, warnings, said, read = attempt(server, options, statement, True)
    if refused:
        seen["refused"] = refused
    if error:
        seen["error"] = error
        seen.pop("min_algorithm", None)
        seen.pop("min_lock", None)
    elif by_variable and seen.get("min_algorithm"):
        seen["by_variable"] = True
    seen["implicit_commit"] = committed
    if after and not error and not re.match("ANALYZE|CHECK|REPAIR|ALTER TABLE \\S+ (ANALYZE|CHECK) PARTITION", statement):
        moved = found.get("renamed", {})
        rebuilt = sorted({n.split("#")[0] for n in before["ids"]})
        numbers = lambda ids, table: {i for n, i in ids.items() if n.split("#")[0] == table}
        emptied = re.match(r"TRUNCATE|DROP|CREATE OR REPLACE TABLE|ALTER TABLE \S+ (TRUNCATE|EXCHANGE|DROP) PARTITION|ALTER TABLE \S+ DISCARD", statement) and "DROP INDEX" not in statement
        rebuilt = [] if emptied else [t for t in rebuilt if moved.get(t, t) in after["tables"]
                                      and numbers(before["ids"], t) - numbers(after["ids"], moved.get(t, t))
                                      and (numbers(after["ids"], moved.get(t, t)) - numbers(before["ids"], t) or "ENGINE" in statement)]
        rebuilt += [t for t in after["tables"] if t in before["tables"] and numbers(after["ids"], t) and not numbers(before["ids"], t)]
        if rebuilt:
            seen["rebuilt"] = rebuilt
        algorithm = seen.get("min_algorithm")
        if algorithm and algorithm != "COPY" and not by_variable:
            seen["work"] = "rewrite" if rebuilt else "instant" if algorithm == "INSTANT" else "scan"
            if rebuilt and algorithm != "INPLACE":
                seen["clause_ignored"] = True
        elif algorithm == "COPY" and not by_variable:
            seen["work"] = "rewrite"
        else:
            seen["work"] = "rewrite" if rebuilt else "scan" if read >= 60 and reads_tables(statement, server) or algorithm == "NOCOPY" else "instant"
    if warnings and error is None:
        seen["warnings"] = warnings
    if said:
        seen["said"] = said
    seen.update(found)
    return seen


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--socket", default="")
    arguments.add_argument("--user", default="root")
    arguments.add_argument("--password", default="")
    arguments.add_argument("--out", default=os.path.join(HERE, "mariadb.json"))
    arguments.add_argument("--only", default="")
    arguments.add_argument("--keep", default="", help="merge into this file as a further server")
    arguments.add_argument("--seen", default="", help="with --keep: take the observations from this file, written by --out")
    options = arguments.parse_args()
    names = [c[0] for c in CASES]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
    if options.seen:
        with open(options.seen, encoding="utf-8") as f:
            other = json.load(f)
        return merge(options.keep, other["server"], other["cases"])
    server = Server(options)
    wanted = set(filter(None, options.only.split(",")))
    cases = []
    for name, hazard, statement, extra in CASES:
        if wanted and name not in wanted:
            continue
        try:
            cases.append(observe(server, name, hazard, statement, extra))
        except pymysql.MySQLError as e:
            print("not observed:", name, e.args, file=sys.stderr)
            server.clean = False
    about = ("each case on a fresh copy of mariadb_schema.sql, with rows; min_algorithm, min_lock: cheapest clause the server accepted; "
             "refused: the others, cheapest first; rebuilt: tables that got a new InnoDB id and kept their rows; work: rewrite if rebuilt or COPY, scan for NOCOPY, INPLACE without rebuild, or where the statement read the rows of a table, else instant; clause_ignored: the ALGORITHM was accepted, the table was copied all the same; by_variable: tried with SET alter_algorithm, the statement takes no clause; "
             "implicit_commit: a row inserted before it in the transaction outlived ROLLBACK; "
             "data_loss: high rows, columns or tables gone; medium values that do not convert back; low a definition or guarantee gone, or only NULLs filled")
    if options.keep:
        merge(options.keep, server.version, cases)
    else:
        if wanted and os.path.exists(options.out):
            with open(options.out, encoding="utf-8") as f:
                kept = {c["id"]: c for c in json.load(f)["cases"]}
            kept.update((c["id"], c) for c in cases)
            cases = [kept[name] for name in names if name in kept]
        write(options.out, {"server": server.version, "sql_mode": STRICT, "about": about}, cases)


COMPARED = ["min_algorithm", "min_lock", "work", "error", "implicit_commit", "data_loss", "rows_lost", "columns_gone",
            "values_changed", "nulls_filled", "objects_gone", "guarantees_gone"]


def merge(path, version, cases):
    """Adds to each case of the file what differs on this server (null: not there)."""
    with open(path, encoding="utf-8") as f:
        kept = json.load(f)
    others = kept.setdefault("other_servers", [])
    if version not in others:
        others.append(version)
    by_id = {c["id"]: c for c in cases}
    for c in kept["cases"]:
        other = by_id.get(c["id"])
        c.setdefault("differs", {}).pop(version, None)
        if other is None:
            c["differs"][version] = "not observed"
        else:
            code = lambda v: v.split(":")[0] if isinstance(v, str) else v
            delta = {}
            for f in COMPARED:
                a, b = (sorted(v) if isinstance(v, list) else v for v in (c.get(f), other.get(f)))
                if (code(a) != code(b)) if f == "error" else (a != b):
                    delta[f] = b
            if delta:
                c["differs"][version] = delta
        if not c["differs"]:
            del c["differs"]
    cases = kept.pop("cases")
    write(path, kept, cases)


def write(path, head, cases):
    with open(path, "w", encoding="utf-8") as f:
        f.write("{\n")
        for k, v in head.items():
            f.write(" %s: %s,\n" % (json.dumps(k), json.dumps(v, ensure_ascii=False)))
        f.write(' "cases": [\n')
        f.write(",\n".join("  " + json.dumps(c, ensure_ascii=False, default=str) for c in cases))
        f.write("\n ]\n}\n")
    print("%s: %d cases" % (os.path.basename(path), len(cases)))


if __name__ == "__main__":
    main()
